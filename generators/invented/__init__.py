"""Values that stand in for those that must not be learned: keys, strings, people and places."""
