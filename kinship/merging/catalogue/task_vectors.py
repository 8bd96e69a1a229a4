"""Methods that add deltas to a base: task arithmetic, and what thins the deltas out or settles their signs first."""

from __future__ import annotations

from kinship.merging.catalogue.interpolation import WEIGHT
from kinship.merging.method import Method, Paper, Parameter, SearchRange

__all__ = ["TASK_VECTORS"]

_ARITHMETIC = Paper("Ilharco et al.", 2022, "Editing Models with Task Arithmetic", "2212.04089")
_TIES = Paper("Yadav et al.", 2023, "TIES-Merging: Resolving Interference When Merging Models", "2306.01708")
_DARE = Paper(
    "Yu et al.",
    2023,
    "Language Models are Super Mario: Absorbing Abilities from Homologous Models as a Free Lunch",
    "2311.03099",
)
_BREADCRUMBS = Paper(
    "Davari and Belilovsky",
    2023,
    "Model Breadcrumbs: Scaling Multi-Task Model Merging with Sparse Masks",
    "2312.06795",
)
_DELLA = Paper(
    "Deep, Bhardwaj and Poria",
    2024,
    "DELLA-Merging: Reducing Interference in Model Merging through Magnitude-Based Sampling",
    "2406.11617",
)

_LAMBDA = Parameter(
    "lambda",
    "number",
    "Scales the merged delta before it is added to the base.",
    1.0,
    search=SearchRange(0.2, 2.0),
)
_DENSITY = Parameter(
    "density",
    "number",
    "Share of this parent's delta that is kept.",
    1.0,
    of="parent",
    low=0.0,
    high=1.0,
    search=SearchRange(0.1, 1.0),
)
_INT8 = Parameter("int8_mask", "switch", "Keep the masks in int8 to save memory.", False, advanced=True)
_GAMMA = Parameter(
    "gamma",
    "number",
    "Share of the largest changes that is dropped.",
    0.01,
    of="parent",
    low=0.0,
    high=1.0,
    search=SearchRange(0.0, 0.1),
)
_EPSILON = Parameter(
    "epsilon",
    "number",
    "Large changes are kept this much more often than density says, small ones this much less.",
    0.15,
    of="parent",
    low=0.0,
    high=0.5,
    search=SearchRange(0.01, 0.15),
)


def _parameters(normalize: bool, rescale: bool, *more: Parameter) -> tuple[Parameter, ...]:
    return (
        WEIGHT,
        _DENSITY,
        *more,
        _LAMBDA,
        Parameter("normalize", "switch", "Divide by the sum of the weights.", normalize),
        Parameter("rescale", "switch", "Scale what is kept up to the delta's former size.", rescale, advanced=True),
        _INT8,
    )


TASK_VECTORS = (
    Method(
        "task_arithmetic",
        "Task arithmetic",
        "Adds the parents' deltas, each by its weight, to the base.",
        "To add up skills; try one weight for all, 0.3 to 0.7, and the child's kinship is known before the merge.",
        _ARITHMETIC,
        "required",
        (
            WEIGHT,
            _LAMBDA,
            Parameter("normalize", "switch", "Divide by the sum of the weights.", False),
            Parameter("density", "number", "mergekit takes it here and does not use it.", 1.0, "parent", advanced=True),
            Parameter("rescale", "switch", "mergekit takes it here and does not use it.", False, advanced=True),
            Parameter("int8_mask", "switch", "mergekit takes it here and does not use it.", False, advanced=True),
        ),
        presets={"sum": {"weight": 1.0}, "half of each": {"weight": 0.5}},
    ),
    Method(
        "ties",
        "TIES",
        "Keeps each delta's largest changes and merges only those that agree with the majority's sign.",
        "For three and more parents whose changes get in each other's way.",
        _TIES,
        "required",
        _parameters(True, False),
        presets={"a fifth, as in its paper": {"weight": 1.0, "density": 0.2}, "half": {"weight": 1.0, "density": 0.5}},
    ),
    Method(
        "dare_ties",
        "DARE with TIES",
        "Drops changes at random, scales up the rest, and merges those that agree with the majority's sign.",
        "For parents with large deltas that overlap; another seed makes another child.",
        _DARE,
        "required",
        _parameters(False, True),
        random=True,
        presets={"half": {"weight": 0.5, "density": 0.5}},
    ),
    Method(
        "dare_linear",
        "DARE, linear",
        "Drops changes at random, scales up the rest, and adds them to the base.",
        "As task arithmetic, where deltas are redundant; another seed makes another child.",
        _DARE,
        "required",
        _parameters(False, True),
        random=True,
        presets={"half": {"weight": 0.5, "density": 0.5}},
    ),
    Method(
        "breadcrumbs",
        "Model Breadcrumbs",
        "Drops each delta's largest and smallest changes and adds the rest to the base.",
        "For many parents, when a few extreme weights spoil the sum.",
        _BREADCRUMBS,
        "required",
        _parameters(False, False, _GAMMA),
        presets={"nine tenths": {"weight": 0.5, "density": 0.9, "gamma": 0.01}},
    ),
    Method(
        "breadcrumbs_ties",
        "Model Breadcrumbs with TIES",
        "Drops each delta's largest and smallest changes and merges those that agree with the majority's sign.",
        "As Model Breadcrumbs, when signs disagree.",
        _BREADCRUMBS,
        "required",
        _parameters(False, False, _GAMMA),
        presets={"nine tenths": {"weight": 0.5, "density": 0.9, "gamma": 0.01}},
    ),
    Method(
        "della",
        "DELLA",
        "Drops changes at random, the small ones more often, and merges those that agree with the majority's sign.",
        "As DARE with TIES, when the size of a change says how much it matters.",
        _DELLA,
        "required",
        _parameters(True, True, _EPSILON),
        random=True,
        presets={"half": {"weight": 0.5, "density": 0.5, "epsilon": 0.15}},
    ),
    Method(
        "della_linear",
        "DELLA, linear",
        "Drops changes at random, the small ones more often, and adds the rest to the base.",
        "As linear DARE, when the size of a change says how much it matters.",
        _DELLA,
        "required",
        _parameters(False, True, _EPSILON),
        random=True,
        presets={"half": {"weight": 0.5, "density": 0.5, "epsilon": 0.15}},
    ),
)
