"""The page Landscape: the line between two models and the plane through three, from the link to the sentence below."""

from __future__ import annotations

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from kinship.checkpoints import align, open_checkpoint
from kinship.connectivity import MARKED, line_positions, line_weights, plane_through
from kinship.demo import demo_path
from kinship.evaluation import Answer, Answers, Options, TaskScore
from kinship.workspace import list_jobs
from kinship.workspace.store.families import DEMO, Family, family, save_family
from kinship.workspace.work.measure import measure
from kinship.workspace.work.points import Request, measure_points
from tests.families import save_adapter
from tests.pages.driving import ROOT, measured, run, words
from tests.runs.searches import quiet

PAGE = "pages/landscape.py"
FEW = {"tasks": "addition,sorting", "limit": "20"}
PAIR = {"first": "sorting", "second": "shifting"}
OPTIONS = Options(batch_size=64, limit=20)


class Judge:
    """Stands in for the harness: the loss and the score of a mixture follow from its weights alone."""

    def __init__(self, loss, most=None, by_task=None):
        self.loss, self.left, self.by_task = loss, most, by_task or {}

    def digest(self, task):
        return f"digest of {task.name}"

    def evaluate_mixture(self, mixture, tasks, options=None, progress=None):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
        (task,) = tasks
        score = TaskScore(task.name, 100 - 10 * mixture.weights[0], 1.0, "percent", "acc")
        loss = self.by_task.get(task.name, self.loss)
        return Answers({task.name: Answer(score, 10 * loss(mixture.weights), 10)})


def hill(height):
    """1 nat a token at either end, and a hill of this height half-way."""
    return lambda weights: 1.0 + 4 * height * weights[0] * weights[1]


@pytest.fixture
def demo():
    one = family(DEMO)
    measured(one)
    return one


def models(*names):
    return tuple(open_checkpoint(demo_path() / name) for name in names)


def a_line(judge, first="sorting", second="shifting", points=11):
    request = Request(
        models(first, second), line_weights(line_positions(points)), ("addition", "sorting"), None, OPTIONS
    )
    return measure_points(judge, request, quiet)


def pictures(app):
    return [json.loads(one.proto.spec) for one in app.get("plotly_chart")]


def buttons(app):
    return [one.label for one in app.button]


def press(app, label):
    next(one for one in app.button if one.label == label).click()
    app.run()
    assert not app.exception


def test_a_line_that_nobody_measured_is_offered(demo):
    app = run(PAGE, family=DEMO, **PAIR, **FEW)
    assert not app.exception
    assert "Measure 11 points" in buttons(app)
    assert "its time is known after the first point" in words(app)
    assert pictures(app) == []


def test_the_button_asks_for_what_the_link_says(demo):
    app = run(PAGE, family=DEMO, points="21", **PAIR, **FEW)
    press(app, "Measure 21 points")
    (job,) = [one for one in list_jobs() if one.kind == "interpolate"]
    assert job.title == "sorting to shifting"
    assert job.arguments["models"] == [str(demo_path() / name) for name in ("sorting", "shifting")]
    assert job.arguments["points"] == [[1 - k / 20, k / 20] for k in range(21)]
    assert job.arguments["tasks"] == ["addition", "sorting"]
    assert job.arguments["options"] | {"limit": 20, "batch_size": 64} == job.arguments["options"]
    again = run(PAGE, family=DEMO, points="21", **PAIR, **FEW)
    assert "Cancel" in buttons(again)
    assert "Measure 21 points" not in buttons(again), "it is on its way"


@pytest.mark.parametrize(
    ("height", "said"),
    [
        (0.5, "**0.5** nats per token at t = 0.50, 50.0% of the ends' mean loss: **a hill lies between them**"),
        (0.015, "**0.015** nats per token at t = 0.50, 1.5% of the ends' mean loss: **linearly connected**"),
        (-0.2, "**No barrier** between sorting and shifting"),
    ],
)
def test_a_measured_line_is_drawn_and_told(demo, height, said):
    found = a_line(Judge(hill(height)))
    app = run(PAGE, family=DEMO, **PAIR, **FEW)
    assert not app.exception
    assert said in words(app)
    assert "Measure again" in buttons(app)
    (picture,) = pictures(app)
    curve = next(one for one in picture["data"] if one["name"] == "loss")
    assert curve["y"] == [one.loss for one in found]
    assert any(one["name"] == "loss barrier" for one in picture["data"]) is (height > 0)


def test_the_sentence_names_the_lowest_loss(demo):
    a_line(Judge(lambda weights: 1.0 - weights[1] * (1 - weights[1]) ** 2))  # lowest at 1/3
    assert "lowest loss on the line is **0.853**, at t = 0.30" in words(run(PAGE, family=DEMO, **PAIR, **FEW))


def test_the_sentence_names_the_task_with_the_largest_barrier(demo):
    a_line(Judge(hill(0.0)))
    assert "No single task has one either" in words(run(PAGE, family=DEMO, **PAIR, **FEW))
    a_line(Judge(hill(0.0), by_task={"kinship_addition": hill(0.3), "kinship_sorting": hill(-0.5)}), first="reversing")
    app = run(PAGE, family=DEMO, first="reversing", second="shifting", **FEW)
    assert "**No barrier** between reversing and shifting" in words(app)
    assert "the largest is that of kinship_addition: **0.3** nats per token at t = 0.50, 30.0% of" in words(app)


def test_a_line_half_measured_is_drawn_as_far_as_it_is_known(demo):
    with pytest.raises(KeyboardInterrupt):
        a_line(Judge(hill(0.5), most=2 * 4))
    app = run(PAGE, family=DEMO, **PAIR, **FEW)
    assert "Measure 7 points" in buttons(app)
    (picture,) = pictures(app)
    assert len(next(one for one in picture["data"] if one["name"] == "loss")["x"]) == 4
    assert "arrier between" not in words(app)


def test_the_kinship_of_the_pair_stands_beside_it(demo):
    app = run(PAGE, family=DEMO, first="sorting", second="sorting-sibling", **FEW)
    shown = {one.label: one.value for one in app.metric}
    assert float(shown["PCC"]) == pytest.approx(0.86, abs=0.005)
    one, other = (
        np.concatenate([_values(name, tensor) for tensor in sorted(models("sorting")[0].tensors)])
        for name in ("sorting", "sorting-sibling")
    )
    assert float(shown["Weight distance"]) == pytest.approx(np.linalg.norm(one - other), rel=5e-3)


def _values(name, tensor):
    from tests.merging.models import weights

    return weights(demo_path() / name)[tensor].ravel()


def test_the_base_is_an_end_too(demo):
    app = run(PAGE, family=DEMO, first="base", second="sorting", **FEW)
    assert not app.exception
    assert [one.label for one in app.metric] == ["Weight distance"]
    assert "Measure 11 points" in buttons(app)


def test_a_model_and_itself_have_no_line(demo):
    app = run(PAGE, family=DEMO, first="sorting", second="sorting", **FEW)
    assert not app.exception
    assert "Nothing lies between a model and itself" in words(app)


def test_without_a_task_nothing_can_be_measured(demo):
    app = run(PAGE, family=DEMO, **PAIR)
    next(one for one in app.text_input if one.key == "tasks").set_value("").run()
    assert next(one for one in app.button if one.label == "Measure 11 points").disabled
    assert "Name a task first" in words(app)


def test_the_pair_looked_at_on_the_matrix_comes_along(demo):
    matrix = run("pages/matrix.py", family=DEMO, first="reversing", second="shifting")
    assert not matrix.exception
    assert matrix.session_state["pair"] == ("reversing", "shifting")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.session_state["pair"] = ("reversing", "base")
    app.switch_page(PAGE)
    app.run()
    assert not app.exception
    assert [app.selectbox(key=key).value for key in ("first", "second")] == ["reversing", "base"]


def test_an_adapter_is_refused_with_what_to_do(home):
    at = "model.layers.0.self_attn.q_proj"
    factors = {f"{at}.lora_A.weight": np.ones((3, 128)), f"{at}.lora_B.weight": np.ones((128, 3))}
    adapter = save_adapter(home / "adapter", factors, base_model_name_or_path=str(demo_path() / "base"))
    one = Family("mine", str(demo_path() / "base"), (str(adapter), str(demo_path() / "sorting")))
    save_family(one)
    measured(one)
    app = run(PAGE, family="mine", first="adapter", second="sorting", **FEW)
    assert not app.exception
    assert "merge it into its base first" in words(app)
    assert not any(label.startswith("Measure") for label in buttons(app))


THREE = {"view": "Plane", "a": "addition", "b": "sorting", "c": "reversing"}


def a_plane(judge, side=5):
    names = ("addition", "sorting", "reversing")
    one = family(DEMO)
    table = measure(align(open_checkpoint(one.base), [open_checkpoint(member) for member in one.members]))
    points = (*MARKED, *plane_through(table, names).grid(side).weights)
    return points, measure_points(Judge(judge), Request(models(*names), points, ("addition",), None, OPTIONS), quiet)


def test_a_plane_is_asked_for_point_by_point(demo):
    app = run(PAGE, family=DEMO, **THREE, **FEW)
    assert not app.exception
    press(app, "Measure 85 points")
    (job,) = [one for one in list_jobs() if one.kind == "plane"]
    assert job.title == "addition, sorting, reversing"
    assert len(job.arguments["points"]) == 81 + 4
    assert all(sum(point) == pytest.approx(1.0) for point in job.arguments["points"])
    assert any(min(point) < 0 for point in job.arguments["points"]), "the margin lies beyond the triangle"
    assert job.arguments["points"][:3] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_a_measured_plane_is_drawn_and_told(demo):
    points, found = a_plane(lambda weights: 1.0 + sum(weight**2 for weight in weights))
    app = run(PAGE, family=DEMO, side="5", tasks="addition", limit="20", **THREE)
    assert not app.exception
    (picture,) = pictures(app)
    (contours,) = [one for one in picture["data"] if one["type"] == "contour"]
    assert [value for row in contours["z"] for value in row] == [one.loss for one in found[4:]]
    assert "The lowest loss measured is **1.333** (0.33 addition, 0.33 sorting, 0.33 reversing)" in words(app)
    assert "addition 2.000, sorting 2.000, reversing 2.000, mean of the three 1.333" in words(app)
    scores = run(PAGE, family=DEMO, side="5", tasks="addition", limit="20", shown="Score", **THREE)
    (picture,) = pictures(scores)
    (contours,) = [one for one in picture["data"] if one["type"] == "contour"]
    assert [value for row in contours["z"] for value in row] == [one.scores.average for one in found[4:]]
    best = max(range(len(points)), key=lambda place: found[place].scores.average)
    assert f"highest average score measured is **{found[best].scores.average:.1f}**" in words(scores)


def test_a_plane_needs_three_different_models(demo):
    app = run(PAGE, family=DEMO, **THREE | {"c": "sorting"}, **FEW)
    assert not app.exception
    assert "choose three" in words(app)


def test_a_family_of_two_has_no_plane(home):
    one = Family("two", str(demo_path() / "base"), (str(demo_path() / "sorting"),))
    save_family(one)
    measured(one)
    for view, said in (("Plane", "add one more to the family"), ("Line", "Their kinship")):
        app = run(PAGE, family="two", view=view, **FEW)
        assert not app.exception
        assert said in words(app)


def test_published_figures_have_no_landscape(home):
    app = run(PAGE, family="paper-path-1")
    assert not app.exception
    assert "published figures without weights" in words(app)


@pytest.mark.parametrize("view", ["Line", "Plane", "Iterated fusion", "Recipe search"])
def test_the_link_opens_its_view(demo, view):
    app = run(PAGE, family=DEMO, view=view)
    assert not app.exception
    assert next(one for one in app.button_group if one.label == "View").value == view
