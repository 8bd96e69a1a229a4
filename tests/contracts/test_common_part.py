"""Tensors renamed, dropped or resized at random: the answer is that on the common part and tells the rest, or none."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinship.checkpoints import align, open_checkpoint
from kinship.errors import AlignmentError
from kinship.similarity import gram_table, kinship_matrix
from tests.families import save

TOWERS = (("model.", 3), ("visual.", 2))
PREFIXES = ("", "module.", "_orig_mod.", "base_model.model.", "language_model.")


def weights():
    """Two towers of layers with the same names and, in part, the same shapes, an embedding and a head."""
    shapes = {"model.embed_tokens.weight": (30, 12), "lm_head.weight": (30, 12), "model.norm.weight": (12,)}
    shapes["visual.norm.weight"] = (12,)
    for tower, layers in TOWERS:
        for layer in range(layers):
            at = f"{tower}layers.{layer}."
            shapes |= {f"{at}attn.{one}.weight": (12, 12) for one in ("q_proj", "k_proj", "o_proj")}
            shapes |= {f"{at}mlp.up_proj.weight": (20 if tower == "model." else 16, 12), f"{at}norm.weight": (12,)}
    rng = np.random.default_rng(0)
    return {name: rng.normal(0.0, 0.1, shape) for name, shape in shapes.items()}


BASE = weights()
NAMES = sorted(BASE)


@dataclass(frozen=True)
class Changed:
    """What happened to a fine-tune: a prefix before all names, and changes of single tensors."""

    prefix: str
    stripped: bool
    one_by_one: dict[str, str]

    def name(self, name: str) -> str:
        """The name that a tensor of the base has here."""
        if self.one_by_one.get(name) == "renamed":
            module, _, last = name.rpartition(".")
            name = f"{module}_other.{last}"
        elif self.one_by_one.get(name) == "moved":
            name = f"other.{name}"
        return self.prefix + (name.removeprefix("model.") if self.stripped else name)

    def tensors(self, seed: int) -> dict[str, np.ndarray]:
        """Base plus a small delta, without what is dropped; what is resized has other rows or columns."""
        rng = np.random.default_rng(seed)
        found = {}
        for name, array in BASE.items():
            change = self.one_by_one.get(name, "")
            moved = array + rng.normal(0.0, 0.01, array.shape)
            if change == "resized":
                moved = np.concatenate([moved, moved[:3]])
            if change == "shortened":
                moved = moved[:-3]
            if change == "narrowed" and array.ndim == 2:
                moved = moved[:, :-1]
            if change != "dropped":
                found[name] = moved
        return found


changes = st.builds(
    Changed,
    prefix=st.sampled_from(PREFIXES),
    stripped=st.booleans(),
    one_by_one=st.dictionaries(
        st.sampled_from(NAMES),
        st.sampled_from(("renamed", "moved", "dropped", "resized", "shortened", "narrowed")),
        max_size=20,
    ),
)


def float64(file: Path, tensors, change: Changed):
    """Write the tensors and return what was written, in float64, by the base's names."""
    save(file, {change.name(name): array for name, array in tensors.items()})
    return {name: array.astype(np.float32).astype(np.float64) for name, array in tensors.items()}


@given(changes, changes)
@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
def test_the_answer_is_that_on_the_common_part_or_there_is_none(first, second):
    as_it_is = Changed("", False, {})
    with tempfile.TemporaryDirectory() as place:
        family = (("base", as_it_is, BASE), ("a", first, first.tensors(1)), ("b", second, second.tensors(2)))
        kept = {name: float64(Path(place, f"{name}.safetensors"), held, change) for name, change, held in family}
        opened = [open_checkpoint(Path(place, f"{name}.safetensors")) for name in kept]
        try:
            alignment = align(opened[0], opened[1:])
        except AlignmentError:
            assert {*first.one_by_one.values(), *second.one_by_one.values()}  # prefixes alone are no reason
            return
        told = {entry.tensor for entry in alignment.left_out}
        said = {(entry.tensor, entry.model) for entry in alignment.left_out}
        for aligned in alignment.tensors:
            names = [row.stored.name for row in aligned.rows]
            assert names == [aligned.name, first.name(aligned.name), second.name(aligned.name)]
        compared = {aligned.name: aligned.shape for aligned in alignment.tensors}
        assert all(name in compared or name in told for name in BASE)
        shapes = {one: {name: array.shape for name, array in tensors.items()} for one, tensors in kept.items()}
        assert all((name, one) in said for name, s in compared.items() for one in kept if shapes[one][name] != s)
        held = sum(map(prod, compared.values()))
        sizes = {one: sum(map(prod, of.values())) for one, of in shapes.items()}
        for one, covered in alignment.coverage.items():
            least, most = held / (sizes["base"] + sizes[one] - held), held / max(sizes["base"], sizes[one])
            assert least - 1e-12 <= covered.elements <= most + 1e-12
        untouched = BASE.keys() - first.one_by_one.keys() - second.one_by_one.keys()
        if max(len(first.one_by_one), len(second.one_by_one)) <= len(BASE) // 3:
            assert untouched <= compared.keys()  # beyond, a prefix may have too few names to be told by
        found = kinship_matrix(gram_table(alignment, "cpu"))
        rows = [
            np.concatenate(
                [(kept[one][name][: s[0]] - kept["base"][name][: s[0]]).ravel() for name, s in compared.items()]
            )
            for one in "ab"
        ]
        assert found.values[0, 1] == pytest.approx(np.corrcoef(rows)[0, 1], abs=1e-9)
