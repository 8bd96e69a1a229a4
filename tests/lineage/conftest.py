"""A family of 42 models over three generations, made by mergekit with every method it has, in two dtypes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from benchmarks.genealogies import Birth, genealogy, make, random_experts
from kinship.checkpoints import align, open_checkpoint
from kinship.similarity import GramTable, gram_table


@dataclass(frozen=True)
class MadeFamily:
    """A measured family whose descent is known."""

    table: GramTable
    experts: tuple[str, ...]
    births: tuple[Birth, ...]
    dtype: str

    def older(self, name: str) -> list[str]:
        """What was there before a model was born, without the copy of an expert, which stands for its original."""
        born = [birth.name for birth in self.births]
        before = born[: born.index(name)] if name in born else []
        return [one for one in (*self.experts, *before) if one not in (name, "passthrough")]


@pytest.fixture(scope="session", params=["F32", "BF16"])
def made(request, tmp_path_factory) -> MadeFamily:
    folder = tmp_path_factory.mktemp("genealogy")
    experts, tune = random_experts(folder, request.param, seed=2)
    births = genealogy(experts)
    make(births, folder, request.param, tune, seed=2)
    names = [*experts, *(birth.name for birth in births)]
    alignment = align(open_checkpoint(folder / "base"), [open_checkpoint(folder / name) for name in names])
    return MadeFamily(gram_table(alignment, "cpu"), tuple(experts), tuple(births), request.param.lower())
