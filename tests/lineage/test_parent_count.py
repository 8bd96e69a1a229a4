"""The decision from the evidence alone."""

import pytest

from kinship.lineage.evidence import Evidence
from kinship.lineage.parent_count import find, find_one_of_several

INF = float("inf")


def _seen(
    residual,
    *lacking,
    over_floor=50.0,
    variation=20.0,
    outside=INF,
    total=1.0,
    exceeding=0.5,
    uneven=0.1,
    patchy=0.1,
    first_in_line=None,
):
    held = (exceeding,) * len(lacking)
    return Evidence(residual, over_floor, lacking, variation, outside, total, held, uneven, patchy, first_in_line)


def _find(*seen, candidates=6):
    found = find([1 - one.residual**2 for one in seen], list(seen), candidates)
    return found.verdict, found.size, found.kind, found.only


def test_a_pair_at_the_floor():
    one, two = _seen(0.6, 0.4), _seen(0.1, 0.5, 0.5, over_floor=1.2, outside=0.01)
    assert _find(one, two, _seen(0.0999, 0.5, 0.5, 1, over_floor=1.2)) == ("parents", 2, "exact", None)


def test_a_high_floor_does_not_let_one_parent_pass_for_two():
    """In bf16 a model close to its base has a floor of a third: what one parent leaves is not far above it."""
    one, two = _seen(0.45, 0.4, over_floor=1.4), _seen(0.3, 0.5, 0.5, over_floor=0.95, outside=0.1)
    assert _find(one, two, _seen(0.299, 0.5, 0.5, 1, over_floor=0.95))[:3] == ("parents", 2, "exact")


def test_one_parent_alone_does_not_pass_where_rounding_is_most_of_a_delta():
    """The mean of two, 0.3 % of the weights away in bf16: half of it is at the floor, and so is the other half."""
    one, two = _seen(0.77, 0.5, over_floor=1.37), _seen(0.76, 0.5, 0.99, over_floor=1.36, outside=9.0)
    assert _find(one, two)[0] == "none"


def test_a_copy_in_another_dtype():
    assert _find(_seen(0.02, 0.0, over_floor=1.0), _seen(0.0199, 0, 1, over_floor=1.0)) == (
        "one parent", 1, "exact", 0,
    )  # fmt: skip


def test_three_parents_at_the_floor_when_two_are_not_enough():
    sizes = _seen(0.7, 0.6), _seen(0.4, 0.6, 0.6, outside=0.5), _seen(1e-6, 0.6, 0.6, 0.6, over_floor=1.0, outside=0)
    assert _find(*sizes)[:3] == ("parents", 3, "exact")


def test_constant_coefficients_speak_for_random_dropping_however_much_is_left():
    one, two = _seen(0.95, 0.5), _seen(0.9, 0.5, 0.5, variation=1.0, outside=8.0)
    assert _find(one, two, _seen(0.8999, 0.5, 0.5, 1)) == ("parents", 2, "random", None)


def test_constant_coefficients_of_siblings_are_too_small():
    one, two = _seen(0.95, 0.8), _seen(0.9, 0.8, 0.8, variation=1.0, outside=8.0, total=0.4)
    assert _find(one, two, _seen(0.8999, 0.8, 0.8, 1))[0] == "none"


def test_a_second_parent_that_hardly_explains_anything_is_none():
    one, two = _seen(0.7, 0.3), _seen(0.699, 0.3, 0.95, variation=1.0, outside=8.0)
    assert _find(one, two, _seen(0.6989, 0.3, 0.95, 1))[0] == "none"


def test_the_middle_of_three_generations_has_the_first_as_its_parent():
    one, two = _seen(0.7, 0.0), _seen(0.5, 0.5, 0.5, outside=1.0, first_in_line=1)
    assert _find(one, two, _seen(0.4999, 0.5, 0.5, 1)) == ("one parent", 2, "tuned", 1)


def test_a_child_between_two_others_that_leave_nothing_to_a_third():
    one, two = _seen(0.6, 0.4), _seen(0.4, 0.4, 0.4, outside=0.5)
    assert _find(one, two, _seen(0.399, 0.4, 0.4, 1)) == ("parents", 2, "selected", None)


@pytest.mark.parametrize(
    "two",
    [
        _seen(0.4, 0.4, 0.4, outside=3.0),  # as siblings of the child
        _seen(0.85, 0.4, 0.4, outside=0.9),  # too much is left
        _seen(0.6, 0.4, 0.4, outside=0.5, patchy=0.6),  # near in this tensor and far in that: relatives of the parents
    ],
)
def test_what_is_not_between_or_leaves_too_much_is_not_believed(two):
    assert _find(_seen(0.9, 0.4), two, _seen(two.residual - 1e-4, 0.4, 0.4, 1))[0] == "none"


def test_what_is_left_may_be_patchy_where_it_is_little():
    """RAM adds up what the parents changed apart from each other, and averages the rest."""
    one, two = _seen(0.4, 0.4), _seen(0.15, 0.4, 0.4, outside=0.01, patchy=0.9)
    assert _find(one, two, _seen(0.1499, 0.4, 0.4, 1)) == ("parents", 2, "selected", None)


def test_coefficients_that_noise_hides_are_not_called_constant():
    one, two = _seen(0.97, 0.8), _seen(0.96, 0.8, 0.8, variation=1.0, outside=8.0, uneven=0.5)
    assert _find(one, two, _seen(0.9599, 0.8, 0.8, 1))[0] == "none"


def test_a_third_parent_brings_the_child_no_further_outside():
    one, two = _seen(0.75, 0.4), _seen(0.55, 0.4, 0.4, outside=0.7)
    three, four = _seen(0.51, 0.4, 0.5, 0.7, outside=0.8), _seen(0.509, 0.4, 0.5, 0.7, 1, outside=1.2)
    assert _find(one, two, three, four) == ("parents", 3, "selected", None)
    other = _seen(0.51, 0.4, 0.5, 0.9, outside=1.4)
    assert _find(one, two, other) == ("parents", 2, "selected", None)


def test_a_third_that_adds_half_as_much_as_the_second_speaks_for_a_common_ancestor():
    assert _find(_seen(0.92, 0.6), _seen(0.88, 0.7, 0.7, outside=0.5), _seen(0.859, 0.8, 0.8, 0.8, outside=0.5))[0] == (
        "none"
    )


def test_a_whole_parent_to_which_others_add_nothing_is_the_only_one():
    assert _find(_seen(0.7, 0.02), _seen(0.699, 0.02, 0.99, outside=9.0)) == ("one parent", 1, "tuned", 0)


def test_a_fine_tune_in_the_direction_of_another_expert_has_one_parent():
    one, two = _seen(0.6, 0.03), _seen(0.41, 0.26, 0.03, outside=0.2)
    assert _find(one, two, _seen(0.4099, 0.26, 0.03, 1)) == ("one parent", 2, "tuned", 1)


def test_a_sibling_is_no_parent():
    assert _find(_seen(0.5, 0.2), _seen(0.4999, 0.2, 0.99, outside=60.0))[0] == "none"


def test_nothing_to_go_by():
    assert find([], [], 0).verdict == "none"


def test_three_parents_need_a_fourth_candidate_to_be_tried():
    sizes = _seen(0.7, 0.6), _seen(0.6, 0.6, 0.6, outside=9.0), _seen(0.4, 0.6, 0.6, 0.6, outside=0.5)
    assert _find(*sizes, candidates=3)[0] == "none"
    assert _find(*sizes, _seen(0.399, 0.6, 0.6, 0.6, 1), candidates=4) == ("parents", 3, "selected", None)


def _alone(*seen):
    return find_one_of_several([1 - one.residual**2 for one in seen], list(seen))


def test_a_parent_that_holds_the_child_as_it_holds_a_mean():
    one, two = _seen(0.7, 0.5, exceeding=0.01), _seen(0.69, 0.5, 0.9)
    assert _find(one, two)[0] == "none"
    assert _alone(one, two) == ("one parent", 1, "partial", 0)


@pytest.mark.parametrize(
    "sizes",
    [
        [_seen(0.5, 0.2, exceeding=0.11), _seen(0.499, 0.2, 0.9)],  # a sibling trained on the same
        [_seen(0.8, 0.5, exceeding=0.01), _seen(0.79, 0.5, 0.9)],  # a third of the child is less than half a mean
        [_seen(0.7, 0.5, exceeding=0.01, uneven=0.25), _seen(0.69, 0.5, 0.9)],  # more of it in some layers
        [_seen(0.7, 0.5, exceeding=0.01), _seen(0.5, 0.5, 0.5)],  # a second one explains much more
        [],
    ],
)
def test_no_parent_by_itself(sizes):
    assert _alone(*sizes) is None
