"""What the contest of generators is made of; `benchmarks.generators` runs it."""
