"""Whether values are there, known and within the rules: one metric a file."""
