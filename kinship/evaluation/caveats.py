"""What must be said beside a score: questions that a model could not read whole, or was asked unlike others."""

from __future__ import annotations

from kinship.evaluation.scores import Scores

__all__ = ["caveats"]

_SHOWN = 20


def caveats(model: str, scores: Scores) -> list[str]:
    """Return a sentence for each thing that takes from what a model's scores say.

    Parameters
    ----------
    model : str
        Its name.
    scores : Scores
    """
    found = [_unreadable(model, name, one.lacking) for name, one in scores.tasks.items() if one.lacking]
    found += [one.note for one in scores.tasks.values() if one.note]
    found += [_cut(model, name, one.cut, one.questions) for name, one in scores.tasks.items() if one.cut]
    plain = [name for name, one in scores.tasks.items() if one.untemplated]
    if plain:
        found.append(f"{model} has no chat template; it was asked the questions of {', '.join(plain)} plainly")
    return found


def _unreadable(model: str, task: str, lacking: str) -> str:
    shown = " ".join(map(repr, lacking[:_SHOWN])) + (" ..." if len(lacking) > _SHOWN else "")
    count = f"{len(lacking)} character{'' if len(lacking) == 1 else 's'}"
    return (
        f"{task} has {count} that the tokenizer of {model} does not know ({shown}); its score says little of the model"
    )


def _cut(model: str, task: str, cut: int, questions: int | None) -> str:
    of = "" if questions is None else f" of {questions:,}"
    return (
        f"{task} has {cut:,}{of} questions that do not fit the window of {model}; their prompts were cut at the left, "
        "as lm-evaluation-harness does"
    )
