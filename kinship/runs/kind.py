"""What long work of one kind is: its plan, its state, its steps, and what it costs; the engine does the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

from kinship.errors import SearchError
from kinship.evaluation import Evaluator, Options, Unit
from kinship.report import Report

if TYPE_CHECKING:
    from kinship.runs.bench import Bench
    from kinship.runs.records import Records

__all__ = ["Cost", "Keep", "RunKind", "RunPlan", "RunState"]

Keep = Literal["all", "best"] | int
"""Which models stay when a run is over: all; the best, its parents and the best baseline; so many of the best."""


@dataclass(frozen=True)
class RunPlan:
    """What every plan says; each kind adds its own, the paths of its ``base`` and the names of its ``tasks`` first.

    Attributes
    ----------
    include_path : str or None
        A folder with task files.
    seed : int
        Of whatever is drawn at random.
    options : Options
        How scores are made; the half of the questions is the run's own choice.
    family : str
        Name of the family it was started from; empty on the command line.
    keep : "all", "best", int or None
        Which models stay when it is over; None for what the run in the folder says, or its kind where it begins.
    """

    include_path: str | None = field(default=None, kw_only=True)
    seed: int = field(default=0, kw_only=True)
    options: Options = field(default_factory=Options, kw_only=True)
    family: str = field(default="", kw_only=True)
    keep: Keep | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if isinstance(self.keep, int) and self.keep < 0:
            raise SearchError(f"{self.keep} models cannot be kept; give all, best or a number from 0 on")


@dataclass(frozen=True)
class RunState:
    """A run and what it has found so far; each kind adds what is its own.

    Attributes
    ----------
    plan : RunPlan
    over : bool
        True once nothing is left to do.
    unit : {"percent", "bits per byte"}
        Of all its scores.
    fingerprints : Mapping of str to str
        Of the models that it began with, by path.
    questions : Mapping of str to str
        Digest of each task's configuration and data when the run began, by name; all its scores are of these.
    noted : tuple of str
        What must be said beside scores, kinship and merges.
    attempt : int
        How often all was scored anew because the questions were corrected, and once.
    home : str
        The KINSHIP_HOME that it began under; empty where nobody said.
    """

    plan: Any
    over: bool = field(default=False, kw_only=True)
    unit: Unit = field(default="percent", kw_only=True)
    fingerprints: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    questions: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    noted: tuple[str, ...] = field(default=(), kw_only=True)
    attempt: int = field(default=1, kw_only=True)
    home: str = field(default="", kw_only=True, compare=False)

    @property
    def begun(self) -> bool:
        """Say whether anything has been found yet."""
        raise NotImplementedError

    @property
    def warnings(self) -> list[str]:
        """What must be said beside what was found."""
        return list(self.noted)


class Cost(NamedTuple):
    """What a run takes at most.

    Attributes
    ----------
    merges, evaluations : int
    parts : Mapping of str to int
        How often it does what earlier runs tell the seconds of.
    at_once, kept : int
        Models that it has on the disk while it goes on, and when it is over.
    like : tuple of str
        Paths of models that those are at most as large as.
    """

    merges: int
    evaluations: int
    parts: Mapping[str, int]
    at_once: int
    kept: int
    like: tuple[str, ...]


P = TypeVar("P", bound=RunPlan)
S = TypeVar("S", bound=RunState)
B = TypeVar("B", bound="Bench[Any]")


@dataclass(frozen=True)
class RunKind(Generic[P, S, B]):
    """One kind of long work.

    Attributes
    ----------
    name : str
        Of the job that goes on with a run of this kind.
    noun : str
        What one is called in a message.
    records : Records
        Where its runs are kept.
    begin : callable
        A plan's state before anything was done.
    bench : callable
        The bench for a state, the run's folder, an evaluator and a report.
    models : callable
        Paths of the models that must stay what they were when the run began.
    cost : callable
        What a plan takes at most.
    took : callable
        Seconds that a run's parts took, each by the name that `Cost.parts` has for it.
    alike : tuple of str
        Fields of the plan that two runs share whose parts take about as long.
    may_change : tuple of str
        Fields of the plan that may differ when a run goes on, beside family and what is kept.
    asks_more : callable
        Whether a plan asks for more than a run that is over has made.
    go_on : callable
        Yields each new state, from the one given on.
    finish : callable
        The last state, once `go_on` has no more: what it found, held against others.
    made : callable
        The models that a run has made, by name: those that may go when it is over.
    stay : callable
        The names of those that stay under a choice of the plan's.
    keeps : "all" or "best"
        What stays where nobody chose.
    rescores : bool
        All can be scored anew where the questions have changed.
    """

    name: str
    noun: str
    records: Records[S]
    begin: Callable[[P], S]
    bench: Callable[[S, Path, Evaluator, Report], B]
    models: Callable[[P], tuple[str, ...]]
    cost: Callable[[P], Cost]
    took: Callable[[S], Mapping[str, Sequence[float]]]
    alike: tuple[str, ...]
    may_change: tuple[str, ...]
    asks_more: Callable[[S, P], bool]
    go_on: Callable[[S, B], Iterator[S]]
    finish: Callable[[S, B], S]
    made: Callable[[S, Path], Mapping[str, Path]]
    stay: Callable[[S, Keep], frozenset[str]]
    keeps: Keep = "best"
    rescores: bool = True
