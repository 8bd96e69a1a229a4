"""`kinship stages` and `kinship correlate`: what a lineage in a CSV file says."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from kinship.cli.program import AsJson, answer, app
from kinship.errors import CurveError
from kinship.evolution import Correlation, Estimate, Stages, correlation_table, curve, read_columns, read_rows
from kinship.evolution import stages as stages_of
from kinship.evolution.change_point import ChangePoint
from kinship.evolution.correlation import FEWEST
from kinship.evolution.curve import METRICS
from kinship.saturation import SATURATION

__all__ = ["correlate", "stages"]

FEW = 10
"""Below this number of merges the answer says that they are few."""

CsvFile = Annotated[Path, typer.Argument(metavar="FILE.csv", help="One row a merge, with a header.")]


@app.command()
def stages(
    file: CsvFile,
    threshold: Annotated[float, typer.Option(help="Kinship (PCC) of saturation.", min=-1.0, max=1.0)] = SATURATION,
    as_json: AsJson = False,
) -> None:
    """Tell the learning and the saturation stage of a lineage.

    Columns: generation, average_score, merge_gain, pcc.
    """
    lineage = curve(_rows(file), str(file))
    found = stages_of(lineage, threshold)
    bend = found.change_point
    data = {
        "saturation_generation": found.saturation_generation,
        "change_point": bend.generation if bend else None,
        "change_point_evidence": asdict(bend) if bend else None,
        "mean_gain_learning": found.mean_gain_learning,
        "mean_gain_saturation": found.mean_gain_saturation,
        "threshold": threshold,
        "generations": list(lineage.generations),
    }
    answer(data, _stages_text(found), as_json)


@app.command()
def correlate(file: CsvFile, as_json: AsJson = False) -> None:
    """Print the correlation of merge gain with kinship.

    Columns: merge_gain, pcc, cosine, euclidean.
    """
    columns = read_columns(_rows(file), ["merge_gain", *METRICS], str(file), fewest=FEWEST)
    gains = columns.pop("merge_gain")
    found = correlation_table(gains, columns)
    data = {gain: {metric: _correlation(one) for metric, one in row.items()} for gain, row in found.items()}
    n = len(gains)
    few = [f"{n} merges are few: p values and intervals can change much with one more"] if n < FEW else []
    text = "\n".join([_correlation_text(found), f"n = {n} merges", *few])
    answer(data | {"n": n, "warnings": few}, text, as_json)


def _rows(file: Path) -> list[dict[str, str]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CurveError(f"{file}: not a text file in UTF-8; save it as CSV") from error
    except OSError as error:
        raise CurveError(f"{file}: {error.strerror}; give a CSV file that can be read") from error
    return read_rows(text, str(file))


def _stages_text(found: Stages) -> str:
    start = found.saturation_generation
    lines = [
        f"no saturation yet: kinship does not stay at or above {found.threshold:g}"
        if start is None
        else f"saturation from generation {start} on: kinship stays at or above {found.threshold:g}",
        f"mean merge gain: {_points(found.mean_gain_learning)} while learning, "
        f"{_points(found.mean_gain_saturation)} in saturation",
        f"change point of the score: {_bend_text(found.change_point)}",
    ]
    return "\n".join(lines)


def _bend_text(bend: ChangePoint | None) -> str:
    if bend is None:
        return "not to be told from these generations"
    seen = (
        f"generation {bend.generation}, {bend.slope_before:+.3g} points a generation before and "
        f"{bend.slope_after:+.3g} after (p {bend.p:.2g}, BIC difference {bend.delta_bic:+.1f})"
    )
    return seen if bend.supported else f"none that the scores show; the best bend is at {seen}"


def _points(gain: float | None) -> str:
    return "-" if gain is None else f"{gain:+.3f}"


def _correlation(one: Correlation) -> dict[str, Any]:
    return _coefficient("r", one.pearson) | {"spearman": _coefficient("rho", one.spearman)}


def _coefficient(name: str, one: Estimate | None) -> dict[str, float | None]:
    values = asdict(one) if one else dict.fromkeys(("value", "p", "low", "high"))
    return {name: values.pop("value")} | values


def _correlation_text(found: dict[str, dict[str, Correlation]]) -> str:
    lines = [
        f"{'gain':10s}{'kinship':11s}{'Pearson r':>10s}{'p':>10s}{'95 % interval':>18s}{'Spearman':>10s}{'p':>10s}"
    ]
    for gain, row in found.items():
        for metric, one in row.items():
            lines.append(f"{gain:10s}{metric:11s}" + _cells(one))
    return "\n".join(lines)


def _cells(one: Correlation) -> str:
    if one.pearson is None or one.spearman is None:
        return f"{'-':>10s} (the same value in every merge)"
    r, rho = one.pearson, one.spearman
    interval = f"{r.low:+.3f} to {r.high:+.3f}"
    return f"{r.value:+10.4f}{r.p:10.2g}{interval:>18s}{rho.value:+10.4f}{rho.p:10.2g}"
