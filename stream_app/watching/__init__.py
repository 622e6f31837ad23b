"""What watches a stream: reads it, counts, judges, keeps what it knows, and has alarms act and be told."""
