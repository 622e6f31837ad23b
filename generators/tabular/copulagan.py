"""The conditional generator of `ctgan.py` over numbers made normal by their marginals."""

from __future__ import annotations

from typing import ClassVar

from generators.encoded.modes import Modes
from generators.tabular.ctgan import Ctgan
from schemas.profile import Profile
from schemas.table import TableSchema


class CopulaGan(Ctgan):
    """Numbers as normals, categories by values, and a condition on one category a row.

    A normal has one mode, so a number has no states but whether it is there; what many rows hold is spread evenly over
    its part of the marginal. Source: Patki, Wedge and Veeramachaneni 2016, "The synthetic data vault", 3.2 (numbers by
    their distribution functions); Xu et al. 2019, "Modeling tabular data using conditional GAN", 4.
    """

    HELP: ClassVar[str] = "conditional GAN over numbers made normal by their marginals; trains in minutes, draws fast"

    @classmethod
    def modes(cls, schema: TableSchema, profile: Profile) -> Modes | None:
        """None: numbers are normals."""
        return None


GENERATOR = CopulaGan
