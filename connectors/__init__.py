"""The outside world, one client a file."""
