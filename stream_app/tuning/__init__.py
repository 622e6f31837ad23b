"""Which settings of a model suit a table: trials of some, judged by rows held back, in a study that goes on later."""
