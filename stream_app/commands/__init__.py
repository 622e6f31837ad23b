"""The commands of `synthstream`, one file an idea."""
