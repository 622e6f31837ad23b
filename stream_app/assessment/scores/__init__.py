"""What is measured of a synthetic table: one score a file."""
