"""How far a window's distribution is from a reference's: one metric a file."""
