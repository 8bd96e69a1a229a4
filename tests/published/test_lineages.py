"""The published lineages are as printed."""

from kinship.published import lineages


def test_both_paths_are_there_with_their_source():
    first, second = lineages()
    assert (len(first.steps), len(second.steps)) == (14, 12)
    assert first.source.endswith("Table 5")
    assert second.source.endswith("Table 6")
    assert first.base == second.base == "Mistral-7B-v0.1"


def test_generations_count_from_one_without_a_gap():
    for lineage in lineages():
        assert [step.generation for step in lineage.steps] == list(range(1, len(lineage.steps) + 1))


def test_both_paths_end_in_the_same_three_merges():
    first, second = lineages()
    ends = [[(s.model, s.average_score, s.pcc) for s in path.steps[-3:]] for path in (first, second)]
    assert ends[0] == ends[1]
