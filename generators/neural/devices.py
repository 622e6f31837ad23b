"""What torch computes on, and the processes that train one model together.

Several processes are torchrun's: each has every row, works out the gradient of its part of a batch, and takes the step
that the sum of all parts makes. So all have the same weights throughout.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module

import torch
import torch.distributed as dist
from torch import Tensor, nn

from generators.neural.launch import Launch
from schemas.errors import InputError


def device_of(asked: str) -> torch.device:
    """The device that is meant.

    Args:
        asked: "cpu", "cuda", or "auto": CUDA where it is, else the CPU.

    Raises:
        InputError: CUDA is asked for and not there, or the word is another.
    """
    if asked not in ("cpu", "cuda", "auto"):
        raise InputError(f"device={asked}: must be cpu, cuda or auto")
    if asked == "cpu" or (asked == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        why = "torch was built without it" if torch.version.cuda is None else "torch sees no GPU"
        raise InputError(f"device=cuda: is not there ({why}); train with --device cpu, or auto to use one where it is")
    return torch.device("cuda", Launch.here().local_rank)


def fork_random(device: torch.device) -> AbstractContextManager[None]:
    """Leave torch's random numbers, those of the device among them, as they are found."""
    forked: AbstractContextManager[None] = torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])
    return forked


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an allocator gave up: CUDA's says so by its class, the CPU's in words."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


@dataclass(frozen=True)
class Processes:
    """The processes that train one model together.

    Args:
        rank: which of them this is.
        count: how many they are; with one, nothing here does anything.
    """

    rank: int = 0
    count: int = 1

    def same(self, tensor: Tensor) -> Tensor:
        """What the first process has, in all of them."""
        if self.count > 1:
            dist.broadcast(tensor, 0)
        return tensor

    def begin_alike(self, model: nn.Module) -> None:
        """Give all the first one's weights, and each random numbers of its own."""
        if self.count == 1:
            return
        for parameter in model.parameters():
            self.same(parameter.data)
        if self.rank:
            torch.manual_seed(torch.initial_seed() + self.rank)

    def part(self, at: Tensor) -> Tensor:
        """This process's part of a batch."""
        return at[self.rank :: self.count]

    def add_up(self, parameters: Sequence[nn.Parameter], late: bool) -> bool:
        """Make every gradient the sum of all processes', and hear from the first whether time is up."""
        if self.count == 1:
            return late
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flag = torch.full((1,), float(late and self.rank == 0), device=grads[0].device)
        whole = torch.cat([*(grad.flatten() for grad in grads), flag])
        dist.all_reduce(whole)
        sizes = [grad.numel() for grad in grads]
        for parameter, grad in zip(parameters, torch.split(whole[:-1], sizes), strict=True):
            parameter.grad = grad.view_as(parameter)
        return bool(whole[-1] > 0)


def processes() -> Processes:
    """Those that are training now; one, unless inside `together`."""
    if dist.is_available() and dist.is_initialized():
        return Processes(dist.get_rank(), dist.get_world_size())
    return Processes()


@contextmanager
def together(device: torch.device) -> Iterator[None]:
    """Connect the processes that torchrun started, if it did; by NCCL on GPUs, else by gloo."""
    if Launch.here().count == 1:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    # Some of torch's modules take the group that is there when they are loaded for a default, and keep it for ever; its
    # threads then go on while Python ends, which may abort. The optimizer would load them later.
    import_module("torch._dynamo")
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()
