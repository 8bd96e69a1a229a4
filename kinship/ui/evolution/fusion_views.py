"""What a fusion has come to: in a line, as a picture, as tables, and its models for the family."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from kinship.evolution import Fusion, shared_name
from kinship.evolution.lead import TOLD_FROM
from kinship.plots import fusion as plot
from kinship.runs.fusion.fusion_record import FusionRecord, fusion_folder, shared_model
from kinship.ui.shell.averages import OWN_TASK
from kinship.ui.shell.figure import show_figure
from kinship.ui.shell.words import counted, decimals
from kinship.workspace.store.families import Family, join_family

__all__ = ["show_fused", "show_outcome"]

_READING = (
    "Above: the shared model's score on the half of the questions called search, with its error. Below: mean PCC of "
    "the round's deltas; near 0 the contributors pull in unrelated directions and the mean keeps a part of each, below "
    "0 they undo one another. Deltas from the base share all earlier rounds, so that their line rises by itself."
)


def show_outcome(record: FusionRecord, fusion: Fusion) -> None:
    """Show how far the shared model has come, in numbers and a sentence."""
    count, last = len(fusion.rounds) - 1, fusion.rounds[-1]
    held_out = record.held_out.get(shared_name(count)) if record.over else None
    related = last.relation
    digits = decimals(fusion.rounds[0].evaluation.unit)
    numbers = {
        "Round": (f"{count} of {record.plan.rounds}", None),
        "Score": (f"{last.evaluation.score:.{digits}f}", "Average task score on the half called search."),
        "Over base": (
            f"{fusion.scores[-1] - fusion.scores[0]:+.{digits}f}" if count else "-",
            "On the same half; the held-out half decides.",
        ),
        "Held out": ("-" if held_out is None else f"{held_out:.{digits}f}", "On the other half, at the end."),
        "Kinship": (
            f"{related.kinship:z.2f}" if related and related.kinship is not None else "-",
            "Mean PCC of the last round's deltas from the shared model that they started from.",
        ),
        "Drift": (
            f"{related.drift:.1%}" if related else "-",
            "Norm of the shared model's delta from the base, over the base's norm.",
        ),
    }
    row = st.container(horizontal=True, gap="small")
    for title, (value, about) in numbers.items():
        row.metric(title, value, border=True, width=148, help=about)
    if record.over:
        st.markdown(_verdict(record, digits))


def show_fused(family: Family, name: str, record: FusionRecord, fusion: Fusion) -> None:
    """Show the curve of a fusion, its rounds and contributions, and what can be done with its models."""
    info = plot.fusion_info(fusion)
    rounds = max(record.plan.rounds, len(fusion.rounds) - 1)
    show_figure(plot.draw(info, rounds), key="fusion-curve", name=name, rows=info.to_rows, caption=_READING)
    tabs = st.tabs(["Rounds", "Contributions", "Models"])
    with tabs[0]:
        _show_rounds(fusion)
    with tabs[1]:
        _show_contributions(fusion)
    with tabs[2]:
        _show_models(family, name, record, fusion)


def _verdict(record: FusionRecord, digits: int) -> str:
    """Say whether the last shared model is better than the base, by the paired error of the held-out half."""
    over = record.over_base["held-out"]
    error = "" if over.stderr is None else f" ± {over.stderr:.{digits}f}"
    points = f"**{over.points:+.{digits}f}{error}**"
    told = (
        f"After {counted(record.plan.rounds, 'round')} the shared model scores {points} over the base on the held-out "
        "half (error paired over the questions)"
    )
    if over.stderr is None:
        return f"{told}."
    if abs(over.points) < TOLD_FROM * over.stderr:
        return f"{told}: within twice the error, it may be chance."
    return f"{told}: it is {'better' if over.points > 0 else 'worse'} than the base."


def _show_rounds(fusion: Fusion) -> None:
    number = st.column_config.NumberColumn(format=f"%.{decimals(fusion.rounds[0].evaluation.unit)}f")
    rows = []
    for count, one in enumerate(fusion.rounds):
        related = one.relation
        seconds = [made.seconds for made in one.contributions]
        rows.append(
            {
                "round": count,
                "score": one.evaluation.score,
                "error": one.evaluation.stderr,
                **{task.removeprefix(OWN_TASK): value for task, value in one.evaluation.tasks.items()},
                "kinship": related.kinship if related else None,
                "since base": related.kinship_since_base if related else None,
                "drift (%)": 100 * related.drift if related else 0.0,
                "training (s)": None if None in seconds or not seconds else sum(s for s in seconds if s is not None),
            }
        )
    scores = ["score", "error", *(task.removeprefix(OWN_TASK) for task in fusion.rounds[0].evaluation.tasks)]
    two = st.column_config.NumberColumn(format="%.2f")
    shown = dict.fromkeys(scores, number) | dict.fromkeys(("kinship", "since base", "drift (%)"), two)
    shown["training (s)"] = st.column_config.NumberColumn(format="%.1f", help="Of all contributions of the round.")
    st.dataframe(pd.DataFrame(rows), hide_index=True, placeholder="", height="content", column_config=shown)
    st.caption("Round 0 is the model that the fusion began with.")


def _show_contributions(fusion: Fusion) -> None:
    rows = []
    for count, one in enumerate(fusion.rounds[1:], 1):
        before, after = (
            {task.removeprefix(OWN_TASK): value for task, value in fusion.rounds[n].evaluation.tasks.items()}
            for n in (count - 1, count)
        )
        for made in one.contributions:
            rows.append(
                {
                    "round": count,
                    "contributor": made.contributor,
                    "shared before": before.get(made.contributor),
                    "contribution": made.score,
                    "shared after": after.get(made.contributor),
                    "training (s)": made.seconds,
                }
            )
    if not rows:
        st.write("No round is complete yet.")
        return
    number = st.column_config.NumberColumn(format=f"%.{decimals(fusion.rounds[0].evaluation.unit)}f")
    shown = dict.fromkeys(("shared before", "contribution", "shared after", "training (s)"), number)
    st.dataframe(pd.DataFrame(rows), hide_index=True, placeholder="", column_config=shown)
    st.caption(
        "Scores on the contributor's own task: what it started from, what it reached, and what the mean keeps of it."
    )


def _show_models(family: Family, name: str, record: FusionRecord, fusion: Fusion) -> None:
    """Offer the shared models to the family; they are kept, contributions of rounds that were averaged are not."""
    folder = fusion_folder(name)
    names = [shared_name(count) for count in range(1, len(fusion.rounds))]
    paths = {one: shared_model(record.plan, folder, one) for one in names}
    made = [one for one in names if paths[one].is_dir()]
    free = [one for one in made if str(paths[one]) not in family.members]
    if not made:
        st.write("The first shared model is there after the first round.")
        return
    joined = [one for one in made if one not in free]
    st.caption(
        ("Every shared model is kept" if made == names else f"Of {len(names)} shared models, {len(made)} are kept")
        + ", with its recipe and card; contributions are removed once they have been averaged."
        + (f" In the family {family.name}: {', '.join(joined)}." if joined else "")
    )
    if free:
        row = st.container(horizontal=True, vertical_alignment="bottom")
        chosen = row.selectbox("Shared model", free, index=len(free) - 1, key="join-model", width=200)
        if row.button("Let it join the family", key="join-fused", help="Every page then shows it with the others."):
            join_family(family.name, paths[chosen])
            st.rerun(scope="app")
    st.caption(f"Folder: {folder / 'models'}")
