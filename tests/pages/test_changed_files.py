"""Scores from before a change of a model are not shown, and the pages name the file."""

from __future__ import annotations

from kinship.checkpoints import open_checkpoint
from kinship.evaluation import Options, Scores, TaskScore
from kinship.workspace.store.families import Family, save_family
from kinship.workspace.store.identities import identity
from kinship.workspace.store.score_records import store_scores
from tests.families import llama, save_model, tuned
from tests.pages.driving import measured, run, words

TOLD = "a was scored on t before the change of tokenizer.json: this is not shown; measure again"


def test_a_changed_tokenizer_takes_the_score_off_the_pages(tmp_path):
    base = save_model(tmp_path / "base", llama(0))
    models = [save_model(tmp_path / name, tuned(llama(0), number)) for number, name in enumerate("ab")]
    own = Family("own", str(base), tuple(map(str, models)))
    save_family(own)
    measured(own)
    for value, model in zip((42.25, 10.5), models, strict=True):
        score = TaskScore("t", value, 1.0, "percent", "acc", digest="d")
        store_scores(identity(open_checkpoint(model)), Scores({"t": score}), Options())

    def shown():
        candidates, checkpoints = (run(f"pages/{page}.py", family="own") for page in ("merge", "checkpoints"))
        table = checkpoints.dataframe[0].value.set_index("name")
        return candidates.dataframe[0].value, table, words(candidates)

    candidates, checkpoints, said = shown()
    assert {candidates["a"].iloc[0], candidates["b"].iloc[0]} == {42.2, 10.5}
    assert "before the change" not in said
    (models[0] / "tokenizer.json").write_text("{}")
    candidates, checkpoints, said = shown()
    assert 42.2 not in {candidates["a"].iloc[0], candidates["b"].iloc[0]}
    assert TOLD in said
    assert checkpoints.loc["a", "state"] == TOLD
    assert checkpoints.loc["b", "state"] == ""
    assert checkpoints["score"].dropna().to_dict() == {"b": 10.5}
