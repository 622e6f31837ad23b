"""Where training begins, and where it keeps how far it has come; torch is not needed to say so."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import generators
from generators.neural.launch import Launch
from schemas.errors import InputError

if TYPE_CHECKING:
    from generators.artifact import Artifact
    from generators.base import Generator

FILE = "checkpoint.safetensors"
"""What a checkpoint's folder holds, and nothing else."""


@dataclass(frozen=True)
class Keep:
    """Checkpoints of one training.

    Args:
        folder: where they are; each takes the place of the one before.
        every_s: seconds between two of them; more where writing one takes long.
        resume: go on from the one that is there, if one is.

    Raises:
        InputError: the folder can not be one of checkpoints, or holds one that nobody asked to go on from.
    """

    folder: Path
    every_s: float = 60.0
    resume: bool = False

    def __post_init__(self) -> None:
        here = f"checkpoint={self.folder}"
        if not self.every_s >= 0:
            raise InputError(f"checkpoint_every={self.every_s}: must be at least 0 seconds")
        in_the_way = next((p for p in (self.folder, *self.folder.parents) if p.exists() and not p.is_dir()), None)
        if in_the_way is not None:
            raise InputError(f"{here}: {in_the_way} is not a folder; choose another")
        if self.folder.is_dir() and any(not f.name.startswith(FILE) for f in self.folder.iterdir()):
            raise InputError(f"{here}: holds something else; choose a folder of its own")
        if self.file.exists() and not self.resume:
            raise InputError(f"{here}: holds a checkpoint; go on from it with --resume, or remove the folder")

    @property
    def file(self) -> Path:
        """The checkpoint itself."""
        return self.folder / FILE

    def remove(self) -> None:
        """Leave nothing behind: training ended well."""
        self.file.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


@dataclass(frozen=True, eq=False)
class Start:
    """Where training begins.

    Args:
        model: the generator's name.
        keep: where it keeps how far it has come; None for nowhere.
        before: go on from this artifact; None to begin afresh.
        gently: in small steps, since the rows are more of what it was trained on.
        device: what it is trained on: "cpu", "cuda", or "auto" for CUDA where it is.

    Raises:
        InputError: the model is unknown, or can not begin like that.
    """

    model: str
    keep: Keep | None = None
    before: Artifact | None = None
    gently: bool = False
    device: str = "cpu"

    def __post_init__(self) -> None:
        generator = self.generator
        if self.keep is not None and not generator.RESUMES:
            raise InputError(f"checkpoint={self.keep.folder}: {self.model} is trained in one go; leave it out")

        self._check_launch(generator)
        if self.before is None:
            return
        if not generator.UPDATES:
            able = [name for name in generators.names() if generators.load(name).UPDATES]
            raise InputError(
                f"model={self.model}: can not go on from an artifact; train it on all rows at once, or choose "
                f"{' or '.join(able)}"
            )
        if self.before.model != self.model:
            raise InputError(
                f"warm_start: the artifact is of {self.before.model}; train with --model {self.before.model}, "
                "or leave it out"
            )

    def _check_launch(self, generator: type[Generator]) -> None:
        alone = Launch.here().count == 1
        if not generator.ACCELERATES:
            if self.device == "cuda":
                raise InputError(f"device=cuda: {self.model} is trained on the CPU; leave it out")
            if not alone:
                raise InputError(f"model={self.model}: is trained by one process; start it without torchrun")
        elif self.device != "cpu" and find_spec("torch") is not None:
            from generators.neural.devices import device_of  # noqa: PLC0415 - torch is for those who ask for it

            device_of(self.device)
        if self.keep is not None and not alone:
            raise InputError(f"checkpoint={self.keep.folder}: not with several processes; leave it out")

    @property
    def generator(self) -> type[Generator]:
        """What is trained."""
        return generators.load(self.model)
