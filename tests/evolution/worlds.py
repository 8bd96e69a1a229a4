"""Models that exist only as numbers, for searches that merge and score nothing."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from kinship.evolution import Scored, begin, search
from kinship.published import evolution_run


def through_json(kept):
    """Return what was written as JSON and read again, as a file of a run keeps it."""
    adapter = TypeAdapter(type(kept))
    return adapter.validate_json(adapter.dump_json(kept))


@dataclass
class World:
    """Vectors instead of models: a merge is the mean, the score falls with the distance from a goal.

    Every call is written down, so that tests can ask what was done, in which order, and how often.
    """

    vectors: dict[str, list[float]]
    goal: list[float]
    calls: list[tuple[str, ...]] = field(default_factory=list)

    def score(self, name):
        return 100.0 - sum((a - b) ** 2 for a, b in zip(self.vectors[name], self.goal, strict=True))

    def merge(self, name, first, second):
        self.calls.append(("merge", name, first, second))
        self.vectors[name] = [(a + b) / 2 for a, b in zip(self.vectors[first], self.vectors[second], strict=True)]
        return 2.0

    def evaluate(self, name):
        self.calls.append(("evaluate", name))
        return Scored(self.score(name), 0.5)

    def kinship(self, first, second):
        self.calls.append(("kinship", first, second))
        a, b = self.vectors[first], self.vectors[second]
        norm = sum(x * x for x in a) ** 0.5 * sum(x * x for x in b) ** 0.5
        return sum(x * y for x, y in zip(a, b, strict=True)) / norm

    def begin(self, **options):
        return begin({name: self.score(name) for name in self.vectors}, **options)

    def search(self, run, **options):
        return search(run, merge=self.merge, evaluate=self.evaluate, kinship=self.kinship, **options)

    def done(self, what):
        return [call for call in self.calls if call[0] == what]


def world(seed=0, foundations=4, size=5):
    draw = random.Random(seed)
    vectors = {f"f{i}": [draw.gauss(0, 1) for _ in range(size)] for i in range(foundations)}
    return World(vectors, [draw.gauss(0, 0.3) for _ in range(size)])


def last(runs):
    *_, run = runs
    return run


class PrintedWorld:
    """Merging as in the paper's Table 2: a pair's child has the score and kinship that the table prints.

    The table does not print parents. For these merges they follow from the scores, since a gain is a score minus the
    mean of two earlier ones; `parents` says so by name of the merge.
    """

    def __init__(self, strategy, parents):
        self.rows = {one.name: one for generation in evolution_run(strategy).generations for one in generation}
        self.children = {frozenset(pair): name for name, pair in parents.items()}
        self.as_printed = {}  # name in the search -> name in the table

    def printed(self, name):
        return self.as_printed.get(name, name)

    def merge(self, name, first, second):
        self.as_printed[name] = self.children[frozenset((self.printed(first), self.printed(second)))]
        return 0.0

    def evaluate(self, name):
        return Scored(self.rows[self.printed(name)].score, 0.0)

    def kinship(self, first, second):
        child = self.children.get(frozenset((self.printed(first), self.printed(second))))
        return self.rows[child].kinship if child else 0.5  # not printed: neither near nor far
