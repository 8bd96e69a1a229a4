"""What every registered strategy must hold to."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.errors import UnknownNameError
from kinship.evolution import STRATEGIES, Individual, Population, strategy
from kinship.evolution.strategies import register

EVERY = st.sampled_from(sorted(STRATEGIES))


@st.composite
def populations(draw):
    """Foundation models with generations of merges of random pairs, scores with ties, one perhaps without a score."""
    models = [Individual(f"f{i}", 0, score=float(draw(st.integers(40, 45)))) for i in range(draw(st.integers(2, 5)))]
    pairs = list(combinations([one.name for one in models], 2))
    for g in range(1, 1 + draw(st.integers(0, 3))):
        chosen = pairs if g == 1 else draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=4, unique=True))
        scores = [draw(st.one_of(st.integers(40, 50).map(float), st.none())) if g > 1 else 44.0 for _ in chosen]
        made = [
            Individual(f"model-{g}-{n}", g, pair, score)
            for n, (pair, score) in enumerate(zip(chosen, scores, strict=True))
        ]
        models += made
        merged = {frozenset(one.parents) for one in models}
        alive = [one.name for one in models if one.score is not None]
        pairs = [pair for pair in combinations(alive, 2) if frozenset(pair) not in merged]
        if not pairs:
            break
    return Population(tuple(models))


def kin(first, second):
    """A kinship without ties that does not depend on the order of the two."""
    return Random("/".join(sorted((first, second)))).uniform(-1, 1)


def propose(name, population, k=3, seed=0, kinship=kin):
    return strategy(name).propose(population, kinship, k, Random(seed))


@given(name=EVERY, population=populations(), k=st.integers(2, 4), seed=st.integers(0, 9))
def test_pairs_are_new_ordered_and_few(name, population, k, seed):
    pairs = propose(name, population, k, seed)
    scores = population.scores
    both = [pair.both for pair in pairs]
    assert len(set(both)) == len(both)
    assert not set(both) & population.merged
    for pair in pairs:
        assert pair.first != pair.second
        assert (-scores[pair.first], pair.first) < (-scores[pair.second], pair.second)
        assert pair.reason
    explored = [pair for pair in pairs if pair.exploration]
    assert len(explored) <= 1
    assert explored in ([], list(pairs[-1:])), "the exploration step comes last"
    if population.merged:
        assert len(pairs) - len(explored) <= k


@given(name=EVERY, population=populations(), k=st.integers(2, 4), seed=st.integers(0, 9), data=st.data())
def test_the_same_is_proposed_whatever_the_order_of_the_models(name, population, k, seed, data):
    shuffled = Population(tuple(data.draw(st.permutations(population.individuals))))
    assert propose(name, shuffled, k, seed) == propose(name, population, k, seed)


@given(name=EVERY, count=st.integers(2, 6), k=st.integers(2, 4))
def test_generation_one_merges_every_pair_of_foundation_models(name, count, k):
    population = Population(tuple(Individual(f"f{i}", 0, score=float(i)) for i in range(count)))
    pairs = propose(name, population, k)
    assert {pair.both for pair in pairs} == {frozenset(p) for p in combinations((f"f{i}" for i in range(count)), 2)}
    assert not any(pair.exploration for pair in pairs)


@given(name=EVERY, population=populations(), k=st.integers(2, 4))
def test_regular_pairs_are_those_of_greedy(name, population, k):
    regular = tuple(pair for pair in propose(name, population, k) if not pair.exploration)
    assert regular == propose("greedy", population, k)


@given(population=populations(), k=st.integers(2, 4))
def test_greedy_takes_the_best_means_within_the_k_best(population, k):
    if not population.merged:
        return
    top = sorted(population.scores.items(), key=lambda item: (-item[1], item[0]))[:k]
    means = {
        frozenset((a, b)): (x + y) / 2
        for (a, x), (b, y) in combinations(top, 2)
        if frozenset((a, b)) not in population.merged
    }
    taken = [means[pair.both] for pair in propose("greedy", population, k)]
    assert taken == sorted(means.values(), reverse=True)[:k]


@given(population=populations(), k=st.integers(2, 4), seed=st.integers(0, 9))
def test_the_exploration_step_goes_from_the_best_to_the_most_distant_or_to_anyone(population, k, seed):
    best = population.best(1)[0].name
    regular = {pair.both for pair in propose("greedy", population, k)}
    candidates = {
        name: kin(best, name)
        for name in population.scores
        if name != best and frozenset((best, name)) not in population.merged | regular
    }
    by_kinship = [pair for pair in propose("kinship", population, k, seed) if pair.exploration]
    by_chance = [pair for pair in propose("random", population, k, seed) if pair.exploration]
    assert len(by_kinship) == len(by_chance) == bool(candidates), "the control has the same budget"
    if candidates:
        assert by_kinship[0].both == {best, min(candidates, key=candidates.__getitem__)}
        assert best in by_chance[0].both
        assert by_chance[0].both - {best} <= candidates.keys()


def test_chance_depends_on_the_seed_and_reaches_every_candidate():
    foundations = [Individual(f"f{i}", 0, score=float(i)) for i in range(5)]
    merges = [Individual(f"model-1-{i}", 1, p, 0.0) for i, p in enumerate(combinations((f"f{i}" for i in range(5)), 2))]
    population = Population((*foundations, *merges))
    drawn = {propose("random", population, seed=seed)[-1].both for seed in range(200)}
    assert drawn == {frozenset(("f4", one.name)) for one in merges}


def test_greedy_and_chance_never_ask_for_kinship():
    def forbidden(first, second):
        raise AssertionError((first, second))

    population = Population((Individual("a", 0, score=1.0), Individual("b", 0, score=2.0)))
    for name in ("greedy", "random"):
        assert propose(name, population, kinship=forbidden)


def test_a_model_of_undefined_kinship_is_not_the_most_distant():
    foundations = (Individual("a", 0, score=3.0), Individual("b", 0, score=2.0))
    merges = (Individual("m", 1, ("a", "b"), 1.0), Individual("n", 1, ("a", "b"), 0.0))
    values = {frozenset("am"): float("nan"), frozenset("an"): 0.7}
    pairs = propose("kinship", Population((*foundations, *merges)), k=2, kinship=lambda a, b: values[frozenset((a, b))])
    assert [pair.both for pair in pairs if pair.exploration] == [frozenset("an")]


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_explains_itself(name):
    assert STRATEGIES[name].title
    assert STRATEGIES[name].sentence.endswith(".")


def test_a_name_is_registered_once_and_close_names_are_suggested():
    with pytest.raises(ValueError, match="registered already"):
        register("greedy", title="", sentence="")(lambda *_: ())
    with pytest.raises(UnknownNameError, match="did you mean kinship"):
        strategy("kinshp")
