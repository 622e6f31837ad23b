"""What `synthstream profile` says of a table: at a terminal, to programs, and as a page."""
