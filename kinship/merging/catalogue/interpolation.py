"""Methods that go from one model's weights towards another's: averages, straight and on the sphere."""

from __future__ import annotations

from kinship.merging.method import Method, Paper, Parameter, SearchRange

__all__ = ["INTERPOLATION", "WEIGHT"]

WEIGHT = Parameter(
    "weight",
    "number",
    "How much this parent counts.",
    of="parent",
    required=True,
    start=1.0,
    search=SearchRange(0.0, 1.0),
)  # any number: a negative one takes a parent's changes away

_LAYOUT = [
    {"filter": "self_attn", "value": [0, 0.5, 0.3, 0.7, 1]},
    {"filter": "mlp", "value": [1, 0.5, 0.7, 0.3, 0]},
    {"value": 0.5},
]
_SOUPS = Paper(
    "Wortsman et al.",
    2022,
    "Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing inference time",
    "2203.05482",
)
_SHOEMAKE = Paper("Shoemake", 1985, "Animating rotation with quaternion curves", doi="10.1145/325334.325242")
_STOCK = Paper("Jang, Yun and Han", 2024, "Model Stock: All we need is just a few fine-tuned models", "2403.19522")
_FISHER_RAO = Paper(
    "Wang, Ye and Yin", 2026, "Functionality-Oriented LLM Merging on the Fisher-Rao Manifold", "2603.04972"
)

INTERPOLATION = (
    Method(
        "linear",
        "Linear",
        "Averages the weights of its parents, each counted by its weight.",
        "Start here: nothing to tune for fine-tunes of one base, and the child's kinship is known before the merge.",
        _SOUPS,
        "ignored",
        (
            WEIGHT,
            Parameter(
                "normalize", "switch", "Divide by the sum of the weights, so that they need not add up to 1.", True
            ),
        ),
    ),
    Method(
        "slerp",
        "SLERP",
        "Walks from the first parent's weights to the second's along the arc between them, so that the norm is kept.",
        "For exactly two parents; with t by module, attention can follow one parent and the MLPs the other.",
        _SHOEMAKE,
        "required",
        (
            Parameter(
                "t",
                "number",
                "How far to go: 0 is the base, 1 the other parent.",
                low=0.0,
                high=1.0,
                required=True,
                start=0.5,
                search=SearchRange(0.0, 1.0),
            ),
        ),
        min_parents=2,
        max_parents=2,
        base_is_parent=True,
        lone="pass on",
        presets={"half-way": {"t": 0.5}, "by module, as in the kinship paper": {"t": _LAYOUT}},
    ),
    Method(
        "nuslerp",
        "NuSLERP",
        "SLERP with a weight for each parent; with a base it turns the deltas instead of the weights.",
        "For two parents whose deltas point apart: with a base it keeps the length that an average loses.",
        _SHOEMAKE,
        "optional",
        (
            WEIGHT,
            Parameter("nuslerp_flatten", "switch", "Take each tensor as one vector, not row by row.", True),
            Parameter("nuslerp_row_wise", "switch", "Without flattening: rows, not columns.", False, advanced=True),
        ),
        min_parents=2,
        max_parents=2,
        lone="pass on",
    ),
    Method(
        "multislerp",
        "Multi-SLERP",
        "Averages any number of parents on the sphere, in the plane that touches it at their mean.",
        "When SLERP is wanted for more than two parents; with a base it works on the deltas.",
        None,
        "optional",
        (
            WEIGHT,
            Parameter("normalize_weights", "switch", "Divide the weights by their sum.", True),
            Parameter("eps", "number", "Keeps divisions from zero.", 1e-8, low=0.0, advanced=True),
        ),
    ),
    Method(
        "karcher",
        "Karcher mean",
        "Finds the point on the sphere from which the arcs to all parents balance, all counted alike.",
        "For many parents of equal standing, above all where they lie far apart.",
        _FISHER_RAO,
        "ignored",
        (
            Parameter("max_iter", "integer", "Steps at most.", 10, low=1, advanced=True),
            Parameter("tol", "number", "A step shorter than this is the last.", 1e-5, low=0.0, advanced=True),
        ),
    ),
    Method(
        "model_stock",
        "Model Stock",
        "Goes from the base towards the parents' average, the farther the more their deltas agree.",
        "For several fine-tunes on the same data: there is nothing to choose.",
        _STOCK,
        "required",
        (Parameter("filter_wise", "switch", "Decide row by row, not tensor by tensor.", False, advanced=True),),
        min_parents=2,
        lone="pass on the base's or leave",
    ),
)
