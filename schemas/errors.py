"""What can go wrong, by who can mend it. The exit code of the command line follows from the class.

Problem
├── InputError     the user's input: exit code 2
└── ServiceError   a broker, registry, disk or another service: exit code 3
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Problem(Exception):
    """A failure somebody outside the program can mend; its text is what they read.

    Args:
        faults: one line each: key, value, what was expected and what to do.
    """

    exit_code = 1

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class InputError(Problem):
    """Bad input, refused whole before anything was done.

    >>> raise InputError("rate_per_s=-5: must be > 0")
    Traceback (most recent call last):
    ...
    schemas.errors.InputError: rate_per_s=-5: must be > 0
    """

    exit_code = 2


@contextmanager
def noted(faults: list[str]) -> Iterator[None]:
    """Go on behind what is refused within, so that every fault is said at once.

    Args:
        faults: takes what was refused, a line each.

    >>> found: list[str] = []
    >>> with noted(found):
    ...     raise InputError("rate_per_s=-5: must be > 0", "shards=0: must be > 0")
    >>> found
    ['rate_per_s=-5: must be > 0', 'shards=0: must be > 0']
    """
    try:
        yield
    except InputError as error:
        faults += error.faults


class ServiceError(Problem):
    """A broker, registry, disk or other service did not do its part."""

    exit_code = 3
