"""Which of torchrun's processes this is; asked without torch by what only one of them may do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Launch:
    """How this process was started.

    Args:
        rank: its number among all.
        local_rank: its number on this machine.
        count: how many they are; 1 where torchrun did not start it.
    """

    rank: int = 0
    local_rank: int = 0
    count: int = 1

    @classmethod
    def here(cls) -> Self:
        """As the environment says; torchrun's variables count only together with its run id."""
        if "TORCHELASTIC_RUN_ID" not in os.environ:
            return cls()
        return cls(*(int(os.environ[name]) for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE")))

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes and reports."""
        return self.rank == 0
