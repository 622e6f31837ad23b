"""A made-up stream to watch, and detectors beside ours, each in an environment of its own."""
