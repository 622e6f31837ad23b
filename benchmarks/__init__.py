"""What is measured, beside what else there is. Each benchmark is a module that is run."""
