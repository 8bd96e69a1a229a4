"""What is known of metrics here agrees with lm-evaluation-harness's own registry and tasks."""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from kinship.evaluation.harness import harness
from kinship.evaluation.known_metrics import known_metric
from kinship.evaluation.metric import measure_of


@pytest.fixture(scope="module")
def registry():
    harness()
    from lm_eval.api import metrics, registry

    assert metrics
    return registry


def test_directions_are_the_registry_s(registry):
    for name in registry.METRIC_REGISTRY:
        if name == "bypass":
            continue
        measure = measure_of(name)
        less = measure.unit is None or measure.factor < 0
        assert less == (registry.is_higher_better(name) is False), name


@pytest.mark.parametrize(("name", "whole"), [("bleu", 100.0), ("chrf", 100.0)])
def test_what_sacrebleu_computes_is_out_of_100(registry, name, whole):
    text = "the quick brown fox jumps over the lazy dog"
    right = registry.get_metric_aggregation(name)([(text, text)])
    assert right == pytest.approx(whole)
    assert measure_of(name).factor * right == pytest.approx(100.0)


def test_a_correlation_and_a_share_are_of_1(registry):
    assert measure_of("mcc").factor * registry.get_metric_aggregation("mcc")([(0, 0), (1, 1)]) == pytest.approx(100.0)
    assert measure_of("acc").factor * registry.get_metric_aggregation("acc")([1, 1]) == 100.0
    bits = registry.get_metric_aggregation("bits_per_byte")([(-8 * math.log(2), 4)])
    assert measure_of("bits_per_byte").factor * bits == pytest.approx(-2.0)


@pytest.mark.parametrize(
    ("task", "shots", "file"),
    [
        ("arc_challenge", 25, "arc/arc_easy.yaml"),  # which arc_challenge includes
        ("hellaswag", 10, "hellaswag/hellaswag.yaml"),
        ("ifeval", 0, "ifeval/ifeval.yaml"),
        ("leaderboard_ifeval", None, "leaderboard/ifeval/ifeval.yaml"),
    ],
)
def test_what_a_leaderboard_goes_by_the_task_reports(task, shots, file):
    tasks = Path(find_spec("lm_eval").submodule_search_locations[0], "tasks")
    (metric,) = known_metric(task, shots)
    assert f"metric: {metric}\n" in (tasks / file).read_text(encoding="utf-8")
    if shots:
        listed = yaml.safe_load((tasks / "benchmarks" / "openllm.yaml").read_text(encoding="utf-8"))["task"]
        assert {"task": task, "num_fewshot": shots}.items() <= next(o for o in listed if o["task"] == task).items()
        assert known_metric(task, shots - 1) == ()
