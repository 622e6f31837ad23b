"""Models of tables cut into cells: the arithmetic that several generators share."""
