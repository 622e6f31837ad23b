"""Layouts as torch sees them: what concerns the states of all variables at once, in a few operations a batch.

A step of these small networks is mostly the overhead of its operations, so none goes over the variables one by one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from generators.encoded.layout import Layout

LARGEST = 60.0
"""Logits are drawn in to this on either side, so that their exponentials can be added up as they are."""


class Blocks(nn.Module):
    """The states of a layout's variables.

    Args:
        layout: the variables.
    """

    firsts: Tensor
    variable: Tensor
    members: Tensor

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.numbers, self.states, self.count = layout.numbers, layout.states, layout.count
        variable = torch.arange(layout.count).repeat_interleave(torch.tensor(layout.sizes, dtype=torch.long))
        self.register_buffer("firsts", torch.from_numpy(layout.first[:-1].copy()), persistent=False)
        self.register_buffer("variable", variable, persistent=False)
        members = F.one_hot(variable, layout.count).float() if layout.count else torch.zeros(0, 0)
        self.register_buffer("members", members, persistent=False)  # (states, variables)

    def places(self, codes: Tensor) -> Tensor:
        """Which of all states each variable is in, shape (n, variables).

        Args:
            codes: counted from each variable's first, as rows have them, shape (n, variables).
        """
        return codes.long() + self.firsts

    def one_hot(self, places: Tensor) -> Tensor:
        """A one for each state that a variable is in, shape (n, states).

        Args:
            places: as `places` has them, shape (n, variables).
        """
        return torch.zeros(len(places), self.states, device=places.device).scatter_(1, places, 1.0)

    def losses(self, logits: Tensor, places: Tensor) -> Tensor:
        """The cross-entropy of each variable, in nats, shape (n, variables).

        Args:
            logits: shape (n, states).
            places: the states they should be in, shape (n, variables).
        """
        logits = logits.clamp(-LARGEST, LARGEST)
        return (logits.exp() @ self.members).log() - logits.gather(1, places)

    def softened(self, logits: Tensor, temperature: float) -> Tensor:
        """States drawn softly, shape (n, states): Gumbel's trick.

        Args:
            logits: shape (n, states).
            temperature: how softly.

        Source: Jang, Gu and Poole 2017, "Categorical reparameterization with Gumbel-softmax".
        """
        drawn = (logits - torch.empty_like(logits).exponential_().log_()) / temperature
        at = self.variable.expand(len(logits), -1)
        most = torch.full((len(logits), self.count), -torch.inf, device=logits.device)
        most = most.scatter_reduce(1, at, drawn.detach(), "amax")
        chances = (drawn - most[:, self.variable]).exp()
        return chances / (chances @ self.members)[:, self.variable]
