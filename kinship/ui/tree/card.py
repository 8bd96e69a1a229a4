"""The chosen model's card: scores, where it comes from, what its weights say, what came of it."""

from __future__ import annotations

import streamlit as st

from kinship.lineage import (
    Genealogy,
    Paternity,
    descendants,
    generations,
    inbreeding,
    paternity,
)
from kinship.lineage.audit import audit_one
from kinship.lineage.near import nearest
from kinship.similarity import GramTable, kinship_matrix
from kinship.ui.tree.family_tree import Known

__all__ = ["show_card"]

_NAMED = 12
_RANKED = 5


def show_card(known: Known, tree: Genealogy, chosen: str) -> None:
    """Show the card of a model of the tree."""
    node = tree.node(chosen)
    if node is None:
        st.caption("Click on a model, or choose one above.")
        return
    about = tree.graph.nodes[node]
    below = descendants(tree, node)
    st.subheader(chosen, anchor=False)
    score = known.scores.get(chosen)
    numbers = st.columns(3)
    numbers[0].metric("Average score", f"{score:.1f} %" if score is not None else "-")
    numbers[1].metric("Generation", generations(tree)[node])
    numbers[2].metric("Descendants", len(below))
    facts = [about["method"] and f"method {about['method']}", about["licence"] and f"licence {about['licence']}"]
    checkpoint = known.checkpoints.get(chosen)
    if checkpoint is not None:
        facts += [f"{checkpoint.parameters:,} parameters in {checkpoint.dtype}", str(checkpoint.path)]
    others = [alias for alias in about["aliases"] if alias != about["path"]]
    facts += [f"also called {', '.join(others)}"] if others else []
    st.caption("; ".join(fact for fact in facts if fact) or "Known by name only.")
    _parents(known, tree, node)
    if known.table is not None and chosen in known.table.models and len(known.table.models) > 1:
        _weights(known, tree, chosen)
    if about["recipe"]:
        with st.expander("Recipe"):
            st.code(about["recipe"], language="yaml")
    if below:
        names = sorted(tree.name(one) for one in below)
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        st.markdown(f"**Made from it:** {', '.join(names[:_NAMED])}{more}.")
    _links(known.table, chosen)


def _parents(known: Known, tree: Genealogy, node: str) -> None:
    """Parents with what they are, who says so, and their kinship with the child."""
    edges = list(tree.graph.in_edges(node, data=True))
    if not edges:
        st.markdown("**Parents:** none known.")
        return
    lines = ["**Parents**"]
    for parent, _, about in edges:
        who = (
            f"declared in {about['source']}{', guessed by its last name' if about['guessed'] else ''}"
            if about["certainty"] == "declared"
            else f"inferred, confidence {about['confidence']:.2f}"
        )
        kin = _kinship(known.table, tree.name(node), tree.name(parent))
        lines.append(f"- {tree.name(parent)}: {about['relation']}, {who}{kin}")
    st.markdown("\n".join(lines))
    shared = inbreeding(tree, node)
    if shared:
        st.caption(f"Its parents have {shared:.0%} of their ancestry in common.")


def _kinship(table: GramTable | None, child: str, parent: str) -> str:
    if table is None or child not in table.models or parent not in table.models:
        return ""
    return f"; kinship {kinship_matrix(table.select([child, parent])).values[0, 1]:z.2f}"


def _weights(known: Known, tree: Genealogy, chosen: str) -> None:
    """What the paternity test says, and whether it is what was declared."""
    table = known.table
    if table is None:
        return
    later = {tree.name(one) for one in descendants(known.tree, known.tree.node(chosen) or chosen)}
    candidates = [name for name in nearest(table, chosen) if name not in later]
    if not candidates:
        return
    found = paternity(table, chosen, candidates, known.dtypes[chosen])
    st.markdown(f"**From the weights:** {_said_of_parents(found)}")
    one = audit_one(known.tree, table, chosen, known.dtypes[chosen])
    if one is not None and one.outcome == "disagree":
        st.warning(f"Declared: {' and '.join(one.declared)}. But {one.reason}.")
    with st.expander("Explanations, best first"):
        st.dataframe(
            [
                {
                    "parents": " + ".join(one.parents),
                    "left": one.residual,
                    "coefficients": ", ".join(f"{value:z.2f}" for value in one.coefficients),
                }
                for one in found.ranked[:_RANKED]
            ],
            hide_index=True,
            column_config={
                "left": st.column_config.NumberColumn(
                    format="%.3f", help="Norm of what the combination leaves of the weight change, over its norm."
                )
            },
        )
        st.caption(
            f"Rounding to {known.dtypes[chosen]} leaves about {found.floor:.2g}"
            + (f"; margin to the second {found.margin:.0%}." if found.parents else ".")
            + (f" The next {found.tied} explain it as well." if found.tied else "")
        )


def _said_of_parents(found: Paternity) -> str:
    if found.verdict == "none":
        return f"no parent among the other models, so of the base alone or of one that is not here; {found.reason}."
    method = found.ranked[0].method
    settings = ", ".join(f"{key} {_setting(value)}" for key, value in method.recipe.items()) if method else ""
    how = f"; {method.name}{f' ({settings})' if settings else ''}" if method else ""
    return f"{' and '.join(found.parents)}{how}: {found.reason}."


def _setting(value: float | tuple[float, ...]) -> str:
    return " / ".join(f"{one:z.2f}" for one in value) if isinstance(value, tuple) else f"{value:z.2f}"


def _links(table: GramTable | None, chosen: str) -> None:
    if "family" not in st.session_state:  # outside the dashboard there is nowhere to go
        return
    family = {"family": str(st.session_state["family"])}
    if table is not None and chosen in table.models:
        st.page_link("pages/matrix.py", label="Its kinship with the others", query_params=family | {"first": chosen})
        st.page_link("pages/merge.py", label="Merge it", query_params=family | {"first": chosen})
    st.page_link("pages/stages.py", label="Does its lineage still learn?", query_params=family)
