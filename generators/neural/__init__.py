"""What trains torch models, in one process or many, and keeps how far it came."""

import os

# Threads that wait for each other sleep, unless the user says otherwise. By default they spin, which takes the
# processors from whatever else runs: beside other work, training was then found to be ten times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
