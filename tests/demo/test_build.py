"""Building a family: the whole layout, the same for the same seed, all or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kinship.demo import build_family
from kinship.demo.plan import SHIPPED, Expert
from kinship.errors import KinshipError

TINY = replace(
    SHIPPED,
    base_steps=2,
    hidden_size=32,
    layers=1,
    questions=20,
    experts=(Expert("addition", "addition", 1), Expert("sorting", "sorting", 1)),
)


def test_the_same_seed_makes_the_same_family(tmp_path):
    told = []
    one = build_family(tmp_path / "one", seed=3, plan=TINY, progress=lambda f, w: told.append((f, w)))
    two = build_family(tmp_path / "two", seed=3, plan=TINY)
    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(two) for p in two.rglob("*") if p.is_file())
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in files)
    assert {"README.md", "scores.json", "base/model.safetensors", "sorting/config.json", "tasks/shifting.yaml"} <= set(
        map(str, files)
    )
    assert [f for f, _ in told] == sorted(f for f, _ in told)
    assert told[-1][0] == 1.0
    other = build_family(tmp_path / "three", seed=4, plan=TINY)
    assert (other / "base/model.safetensors").read_bytes() != (one / "base/model.safetensors").read_bytes()


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "mine").write_text("")
    with pytest.raises(KinshipError, match="is not empty"):
        build_family(tmp_path, plan=TINY)


def test_an_interrupted_build_leaves_nothing(tmp_path):
    def stop(fraction, what):
        if fraction > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_family(tmp_path / "out", plan=TINY, progress=stop)
    assert list(tmp_path.iterdir()) == []
