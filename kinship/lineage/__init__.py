"""Lineage: who was made from whom, as it is declared and as the weights say it."""

from kinship.lineage.ancestry import (
    Relatedness,
    ancestors,
    descendants,
    founders,
    generations,
    inbreeding,
    relatedness,
    shared_ancestry,
)
from kinship.lineage.audit import Audit, audit
from kinship.lineage.declaration import Claim, Declaration, Relation
from kinship.lineage.export import to_csv, to_data, to_graphml, to_mermaid
from kinship.lineage.genealogy import Genealogy, genealogy, with_inferred
from kinship.lineage.infer import InferredEdge, InferredTree, infer_tree
from kinship.lineage.likely_method import Method
from kinship.lineage.paternity import Explanation, Paternity, paternity
from kinship.lineage.recorded import recorded_base, recorded_descent
from kinship.lineage.sources import (
    csv_declarations,
    folder_declarations,
    hub_declarations,
    known_by_hub_id,
    paper_declarations,
    recipe_declarations,
)

__all__ = [
    "Audit",
    "Claim",
    "Declaration",
    "Explanation",
    "Genealogy",
    "InferredEdge",
    "InferredTree",
    "Method",
    "Paternity",
    "Relatedness",
    "Relation",
    "ancestors",
    "audit",
    "csv_declarations",
    "descendants",
    "folder_declarations",
    "founders",
    "genealogy",
    "generations",
    "hub_declarations",
    "inbreeding",
    "infer_tree",
    "known_by_hub_id",
    "paper_declarations",
    "paternity",
    "recipe_declarations",
    "recorded_base",
    "recorded_descent",
    "relatedness",
    "shared_ancestry",
    "to_csv",
    "to_data",
    "to_graphml",
    "to_mermaid",
    "with_inferred",
]
