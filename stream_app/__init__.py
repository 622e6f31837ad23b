"""The running service, and the only composer of the other packages."""
