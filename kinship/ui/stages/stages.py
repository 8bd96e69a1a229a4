"""The stages of a lineage on a page: where it is from, its curve, and how to read that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from kinship.errors import KinshipError
from kinship.evolution import ChangePoint, Curve, Stages, curve, read_rows
from kinship.evolution import stages as stages_of
from kinship.evolution.curve import Row
from kinship.plots import stages as plot
from kinship.plots.stages import gain_text
from kinship.published import lineages
from kinship.saturation import SATURATION
from kinship.ui.shell.figure import show_figure
from kinship.workspace.store.families import Family

__all__ = ["Lineage", "offer_lineages", "own_lineage", "published_lineage", "show_stages"]


@dataclass(frozen=True)
class Lineage:
    """A lineage as a page shows it.

    Attributes
    ----------
    name : str
        For file names and messages.
    curve : Curve
    source : str
        A sentence on where it is from, shown under every picture of it.
    score_unit : str
        "%", or empty where it is unknown.
    """

    name: str
    curve: Curve
    source: str
    score_unit: str = ""


def published_lineage(family: Family) -> Lineage | None:
    """Return the published lineage of a family, None where it has none."""
    if family.published is None:
        return None
    steps = [asdict(step) for step in family.published.steps]
    return own_lineage(family.name, steps, f"Published: {family.published.source}.", "%")


def own_lineage(name: str, rows: Sequence[Row], source: str, score_unit: str = "") -> Lineage:
    """Return the lineage that rows describe, one a generation.

    A row has generation, average_score, merge_gain and pcc, and perhaps cosine, euclidean and model; CurveError says
    what is wrong with one. The other parameters are those of `Lineage`.
    """
    return Lineage(name, curve(rows, name), source, score_unit)


def offer_lineages(family: Family) -> Lineage | None:
    """Offer to read a lineage from a CSV file, or to look at a published one; return what was read."""
    st.write(f"There is no lineage of **{family.name}** yet: scores, gains and kinship generation by generation.")
    file = st.file_uploader(
        "Read a lineage from a CSV file",
        type="csv",
        max_upload_size=1,
        help="A header and one row a generation: generation, average_score, merge_gain, pcc; "
        "perhaps also cosine, euclidean, model.",
    )
    row = st.container(horizontal=True)
    for lineage in lineages():
        if row.button(f"Look at {lineage.name}", help=f"{lineage.source}: {len(lineage.steps)} generations."):
            st.session_state["next_family"] = lineage.name
            st.rerun()
    if file is None:
        return None
    try:
        text = file.getvalue().decode("utf-8-sig")
        return own_lineage(file.name, read_rows(text, file.name), f"Read from {file.name}.")
    except UnicodeDecodeError:
        st.error(f"{file.name}: not a text file in UTF-8; save it as CSV")
    except KinshipError as error:
        st.error(str(error))
    return None


def show_stages(lineage: Lineage, threshold: float) -> Stages:
    """Show a lineage's stages in numbers and as panels over its generations; return them."""
    found = stages_of(lineage.curve, threshold)
    start, bend = found.saturation_generation, found.change_point
    numbers = {
        "Saturation begins": "not yet" if start is None else f"generation {start}",
        "Mean gain, learning": _gain(found.mean_gain_learning),
        "Mean gain, saturation": _gain(found.mean_gain_saturation),
        "Score bends at": "-" if bend is None else f"generation {bend.generation}",
    }
    row = st.container(horizontal=True)
    for title, value in numbers.items():
        row.metric(title, value, border=True, width=226)
    info = plot.stages_info(lineage.curve, found, score_unit=lineage.score_unit)
    show_figure(
        plot.draw(info),
        key="stages",
        name=f"stages-{lineage.name}",
        rows=info.to_rows,
        caption=f"{_rule(found)} {_evidence(bend)} {lineage.source}",
    )
    return found


def _gain(gain: float | None) -> str:
    return "-" if gain is None else gain_text(gain)


def _rule(found: Stages) -> str:
    start = found.saturation_generation
    here = "there is no saturation yet" if start is None else f"here generation {start}"
    return (
        "Saturation begins with the first generation from which the parents' kinship stays at or above "
        f"{found.threshold:.2f} (the paper's rule, at {SATURATION:g}): {here}."
    )


def _evidence(bend: ChangePoint | None) -> str:
    if bend is None:
        return "The score curve is too short, or too straight, for a change point."
    verb = "flattens" if bend.slope_after < bend.slope_before else "steepens"
    fit = (
        f"By the two-segment fit (dashed) the score {verb} at generation {bend.generation}, from "
        f"{gain_text(bend.slope_before)} to {gain_text(bend.slope_after)} points a generation"
    )
    if bend.supported:
        return f"{fit}; a straight line with noise bends as much in {100 * bend.p:.1f} % of cases."
    return (
        f"{fit}; but a straight line with noise bends as much in {100 * bend.p:.0f} % of cases, "
        "so that the scores alone do not show it."
    )
