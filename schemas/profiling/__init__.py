"""What a table is like, found without any model: distributions, gaps, ties, rules that rows keep, what is delicate."""
