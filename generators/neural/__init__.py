"""What trains torch models, in one process or many, and keeps how far it came."""
