"""Print the figures of docs/paternity.md: `python -m benchmarks.paternity [DEMO_FOLDER ...]`.

Families of 42 models over three generations are made by mergekit: from random weights, and from every demo family that
is given (`kinship demo build --seed N --out FOLDER`; the seeds reported are not the shipped one, on which the limits
were chosen). Takes some minutes a family.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import networkx as nx
import numpy as np

from benchmarks.genealogies import Birth, genealogy, make, random_experts, trained_experts
from kinship.checkpoints import align, open_checkpoint
from kinship.lineage import paternity
from kinship.lineage.base import find_base
from kinship.lineage.examine import Examination, examine
from kinship.lineage.infer import infer_tree
from kinship.similarity import GramTable, gram_table

RANDOM_SEEDS = (21, 22)
_FAMILIES = 30
_COLUMNS = (
    "family", "stored in", "first", "first of the experts", "right", "wrong", "none said", "unrelated: none",
    "without parents, experts: none", "without parents, all: none", "one of several", "tree, base given", "tree",
    "base",
)  # fmt: skip
Rows = dict[str, list[tuple[float, float, float, bool]]]


def main() -> None:
    by_method: Rows = defaultdict(list)
    missed: Counter[str] = Counter()
    print(f"| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}")
    sources: list[tuple[str, Path | int]] = [(f"random {seed}", seed) for seed in RANDOM_SEEDS]
    sources += [(f"trained, {Path(folder).name}", Path(folder)) for folder in sys.argv[1:]]
    for name, source in sources:
        for dtype in ("F32", "BF16"):
            with tempfile.TemporaryDirectory(prefix="kinship-paternity-") as folder:
                table, experts, births = _made(source, Path(folder), dtype)
            row = _row(table, experts, births, dtype.lower(), by_method, missed)
            print(f"| {name} | {dtype.lower()} | {row} | {_bases(table, experts, births, dtype.lower())} |", flush=True)
    print("\nnot first:", ", ".join(f"{name} ({times})" for name, times in missed.most_common() if times))
    _print_methods(by_method)
    _print_time()


def _made(source: Path | int, folder: Path, dtype: str) -> tuple[GramTable, list[str], list[Birth]]:
    seed = source if isinstance(source, int) else sum(map(ord, source.name))
    experts, tune = (
        random_experts(folder, dtype, seed) if isinstance(source, int) else trained_experts(folder, dtype, source)
    )
    births = genealogy(experts)
    make(births, folder, dtype, tune, seed)
    names = [*experts, *(birth.name for birth in births)]
    alignment = align(open_checkpoint(folder / "base"), [open_checkpoint(folder / name) for name in names])
    return gram_table(alignment, "cpu"), experts, births


def _row(
    table: GramTable, experts: list[str], births: list[Birth], dtype: str, by_method: Rows, missed: Counter[str]
) -> str:
    descent = nx.DiGraph([("base", expert) for expert in experts])
    descent.add_edges_from((parent, birth.name) for birth in births for parent in birth.parents)
    count: Counter[str] = Counter()
    for number, birth in enumerate(births):
        older = [name for name in (*experts, *(b.name for b in births[:number])) if name != "passthrough"]
        seen = examine(table, birth.name, older, dtype)
        first, others = _ranked(seen, birth)
        believed = set(paternity(table, birth.name, older, dtype).parents)
        count["first"] += first
        if set(birth.parents) <= set(experts):
            count["second"] += 1
            count["first of experts"] += _ranked(examine(table, birth.name, experts, dtype), birth)[0]
        missed[birth.name] += not first
        count["right"] += believed == set(birth.parents)
        count["wrong"] += bool(believed) and believed != set(birth.parents)
        count["none"] += not believed
        by_method[birth.method].append((*others, seen.floor, believed == set(birth.parents)))
        count.update(_without_parents(table, experts, birth, older, dtype))
        count["strangers"] += 1
        count["strangers none"] += _none(table, descent, birth.name, dtype)
        count.update(_one_of_several(table, descent, birth, older, dtype))
    count["strangers"] += len(experts)
    count["strangers none"] += sum(_none(table, descent, expert, dtype) for expert in experts)
    trees = [_tree(table, descent, dtype, base) for base in ("base", None)]
    total = len(births)
    return (
        f"{count['first']} of {total} | {count['first of experts']} of {count['second']} | "
        f"{count['right']} | {count['wrong']} | {count['none']} | "
        f"{count['strangers none']} of {count['strangers']} | "
        f"{count['experts none']} of {count['experts']} | {count['kin none']} of {count['kin']} | "
        f"{count['alone right']} right, {count['alone wrong']} wrong of {count['alone']} | {trees[0]} | {trees[1]}"
    )


def _ranked(seen: Examination, birth: Birth) -> tuple[bool, tuple[float, float]]:
    """Whether the true parents come first of all sets as large, and what they and the best wrong set leave.

    Where the verdict has as many, that is the order in which the test prints them.
    """
    size = len(birth.parents)
    true = tuple(sorted(seen.problem.names.index(parent) for parent in birth.parents))
    sets = seen.sets[size - 1] if len(seen.sets) >= size else []
    if len(seen.believed) == size:
        sets = seen.ranking
    wrong = next((one for one in sets if tuple(sorted(one.members)) != true), None)
    left = float(np.sqrt(seen.problem.fit(true).residual.sum() / seen.problem.energy))
    total = float(seen.problem.gram[:, 0, 0].sum())
    best_wrong = float(np.sqrt(max(0.0, total - wrong.explained) / seen.problem.energy)) if wrong else float("nan")
    return bool(sets) and tuple(sorted(sets[0].members)) == true, (left, best_wrong)


def _none(table: GramTable, descent: nx.DiGraph, child: str, dtype: str) -> bool:
    """Whether "none" is said when all candidates share no ancestor but the base with the child."""
    strangers = _strangers(descent, child, table.models)
    return not strangers or paternity(table, child, strangers, dtype).verdict == "none"


def _without_parents(
    table: GramTable, experts: list[str], birth: Birth, older: Sequence[str], dtype: str
) -> Counter[str]:
    """How often "none" is said when the parents are taken away: of a second generation's experts, and of all models."""
    count: Counter[str] = Counter()
    for name, names in (("experts", experts), ("kin", older)):
        if name == "kin" or set(birth.parents) <= set(experts):
            others = [one for one in names if one not in birth.parents]
            count.update({name: 1, f"{name} none": paternity(table, birth.name, others, dtype).verdict == "none"})
    return count


def _one_of_several(
    table: GramTable, descent: nx.DiGraph, birth: Birth, older: Sequence[str], dtype: str
) -> Counter[str]:
    """The verdict for each parent of a merge alone among older strangers, where it is no relative of the others."""
    count: Counter[str] = Counter()
    for parent in birth.parents:
        others = set().union(*(_blood(descent, one) for one in birth.parents if one != parent))
        if others and not others & _blood(descent, parent):
            found = paternity(table, birth.name, [parent, *_strangers(descent, birth.name, older)], dtype).parents
            count.update({"alone": 1, "alone right": found == (parent,), "alone wrong": found not in ((), (parent,))})
    return count


def _blood(descent: nx.DiGraph, name: str) -> set[str]:
    blood: set[str] = (nx.ancestors(descent, name) | {name}) - {"base"}
    return blood


def _strangers(descent: nx.DiGraph, child: str, names: Sequence[str]) -> list[str]:
    return [name for name in names if not _blood(descent, child) & _blood(descent, name)]


def _tree(table: GramTable, descent: nx.DiGraph, dtype: str, base: str | None) -> str:
    inferred = infer_tree(table, dict.fromkeys(table.names, dtype), base)
    found, true = {(edge.parent, edge.child) for edge in inferred.edges}, set(descent.edges)
    right = len(found & true)
    guess = "" if base else f"base {'right' if inferred.base == 'base' else 'wrong'}, "
    return f"{guess}precision {right / len(found):.2f}, recall {right / len(true):.2f}"


def _bases(table: GramTable, experts: list[str], births: list[Birth], dtype: str) -> str:
    """How often the base is found in families of the experts and none to eight of the others."""
    choose = random.Random(0)
    right = 0
    for _ in range(_FAMILIES):
        models = [*experts, *(birth.name for birth in choose.sample(births, choose.randrange(9)))]
        family = table.select(models).rebased(choose.choice(models))
        right += find_base(family, dict.fromkeys(family.names, dtype)).name == "base"
    return f"{right} of {_FAMILIES}"


def _print_methods(by_method: Rows) -> None:
    print("\n| method | true parents leave | best wrong set leaves | rounding floor (bf16) | believed |")
    print("|---|---|---|---|---|")
    for method, rows in by_method.items():
        true, wrong = ([row[i] for row in rows] for i in (0, 1))
        floors = [row[2] for row in rows if row[2] > 1e-4]
        right = sum(row[3] for row in rows)
        print(f"| {method} | {_range(true)} | {_range(wrong)} | {_range(floors)} | {right} of {len(rows)} |")


def _range(values: list[float]) -> str:
    low, high = np.nanmin(values), np.nanmax(values)
    return f"{low:.2g} to {high:.2g}"


def _print_time() -> None:
    """Of one test with 40 candidates over 200 tensors."""
    rows = np.random.default_rng(0).normal(size=(200, 42, 64))
    rows[:, 1] = (rows[:, 2] + rows[:, 3]) / 2
    names = ("base", "child", *(f"m{i}" for i in range(40)))
    tensors = tuple(f"model.layers.{i}.mlp.up_proj.weight" for i in range(200))
    table = GramTable(names, tensors, ((64,),) * 200, rows @ rows.transpose(0, 2, 1), rows.sum(axis=2))
    times = []
    for _ in range(5):
        began = time.perf_counter()
        examine(table, "child", names[2:], "f64")
        times.append(time.perf_counter() - began)
    print(f"\n40 candidates (780 pairs), 200 tensors: {np.median(times):.3f} s")


if __name__ == "__main__":
    main()
