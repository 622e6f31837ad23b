"""Whether records come, and in time: one metric a file."""
