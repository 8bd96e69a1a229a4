"""A fusion as data that JSON can hold, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from kinship.evolution.cold_fusion import Contribution, Evaluation, Fusion, Relation, Round

__all__ = ["fusion_from_dict", "fusion_to_dict"]


def fusion_to_dict(fusion: Fusion) -> dict[str, Any]:
    """Return a fusion as data that JSON can hold; `fusion_from_dict` takes it back."""
    rounds = [
        {
            "evaluation": one.evaluation._asdict(),
            "contributions": [asdict(made) for made in one.contributions],
            "relation": one.relation and one.relation._asdict(),
        }
        for one in fusion.rounds
    ]
    made = [asdict(one) for one in fusion.made]
    return {"contributors": list(fusion.contributors), "seed": fusion.seed, "rounds": rounds, "made": made}


def fusion_from_dict(data: Mapping[str, Any]) -> Fusion:
    """Return the fusion that `fusion_to_dict` made the data from."""
    rounds = tuple(
        Round(
            Evaluation(**one["evaluation"]),
            tuple(Contribution(**made) for made in one["contributions"]),
            one["relation"] and Relation(**one["relation"]),
        )
        for one in data["rounds"]
    )
    made = tuple(Contribution(**one) for one in data["made"])
    return Fusion(tuple(data["contributors"]), data["seed"], rounds, made)
