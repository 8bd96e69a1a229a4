"""The examples in docstrings run: every metric, strategy and stopping rule, and the library's front door."""

from __future__ import annotations

import doctest
import inspect
import sys

import pytest

import kinship
from kinship import registry
from kinship.evolution import STOPPING_RULES, STRATEGIES
from kinship.similarity import METRICS

SHOWN = [
    *(getattr(kinship, name) for name in kinship.__all__),
    *(one.compute for one in METRICS.values()),
    *(one.propose for one in STRATEGIES.values()),
    *(one.holds for one in STOPPING_RULES.values()),
    registry.Registry,
    kinship,
]


@pytest.mark.parametrize("one", SHOWN, ids=lambda one: one.__name__)
def test_it_has_an_example_that_runs(one):
    module = one if inspect.ismodule(one) else sys.modules[one.__module__]
    finder = doctest.DocTestFinder(recurse=False)
    (found,) = finder.find(one, module=module, globs=dict(vars(module)))
    assert found.examples
    told = []
    failed, _ = doctest.DocTestRunner(verbose=False).run(found, out=told.append)
    assert not failed, "".join(told)
