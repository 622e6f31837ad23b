"""What a record is: tables, rules, Avro, the codec and the stream's specification. No I/O, no torch."""
