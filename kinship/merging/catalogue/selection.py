"""Methods that choose weight by weight which model to follow."""

from __future__ import annotations

from kinship.merging.method import Method, Paper, Parameter, SearchRange

__all__ = ["SELECTION"]

_FUSECHAT = Paper("Wan et al.", 2024, "FuseChat: Knowledge Fusion of Chat Models", "2408.07990")
_RAM = Paper("Yuan et al.", 2026, "Behavior Knowledge Merge in Reinforced Agentic Models", "2601.13572")
_CHANGED = Parameter("epsilon", "number", "A change up to this size counts as none.", 1e-5, low=0.0, advanced=True)

SELECTION = (
    Method(
        "sce",
        "SCE",
        "Keeps the changes that differ most between parents, weighs parents by the size of theirs, drops odd signs.",
        "For parents that learned different things from one base; there are no weights to choose.",
        _FUSECHAT,
        "required",
        (
            Parameter(
                "select_topk",
                "number",
                "Share of the changes kept, those of the largest variance.",
                1.0,
                low=0.0,
                high=1.0,
                search=SearchRange(0.05, 1.0),
            ),
            Parameter("int8_mask", "switch", "Keep the masks in int8 to save memory.", False, advanced=True),
        ),
        presets={"a tenth": {"select_topk": 0.1}},
    ),
    Method(
        "ram",
        "RAM",
        "Adds changes that one parent alone made and averages those that several made.",
        "For agents trained by reinforcement learning, whose deltas are sparse.",
        _RAM,
        "required",
        (_CHANGED,),
    ),
    Method(
        "ramplus_tl",
        "RAM+",
        "As RAM, and scales up what one parent alone changed by how much it shares with the others.",
        "As RAM, when single skills fade in the merge.",
        _RAM,
        "required",
        (
            Parameter("r", "number", "How strongly to scale up.", 0.1, low=0.0, search=SearchRange(0.0, 1.0)),
            Parameter("alpha", "number", "Bound on the share that counts.", 0.2, low=0.0, search=SearchRange(0.0, 1.0)),
            _CHANGED,
        ),
    ),
    Method(
        "arcee_fusion",
        "Arcee Fusion",
        "Takes from the second parent the weights whose change matters most, and the first parent's otherwise.",
        "To update one model by another without a common ancestor at hand.",
        None,
        "required",
        min_parents=2,
        max_parents=2,
        base_is_parent=True,
        lone="pass on",
        random=True,  # thresholds of tensors above a million weights come from a sample
    ),
    Method(
        "nearswap",
        "NearSwap",
        "Moves the base towards the second parent where the two are close, and leaves it where they differ.",
        "To flavour a strong model with another at little risk.",
        None,
        "required",
        (
            Parameter(
                "t",
                "number",
                "Weights closer than this become the second parent's.",
                low=0.0,
                required=True,
                start=1e-3,
                search=SearchRange(1e-5, 1e-1, log=True),
            ),
        ),
        min_parents=2,
        max_parents=2,
        base_is_parent=True,
        lone="pass on the base's",
    ),
    Method(
        "passthrough",
        "Passthrough",
        "Copies one model's tensors, scaled if asked for.",
        "To stack or drop layers with slices.",
        None,
        "ignored",
        (Parameter("scale", "number", "Multiplies the weights; none leaves them as they are.", of="parent"),),
        max_parents=1,
    ),
)
