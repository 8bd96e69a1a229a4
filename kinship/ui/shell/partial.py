"""Models of which only a part can be compared: the warnings, and the button that allows it where it is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from kinship.errors import CoverageError, KinshipError
from kinship.ui.shell.current import current_alignment
from kinship.ui.shell.warnings import show_warnings
from kinship.workspace.store.families import Family, allow_partial

__all__ = ["LABEL", "show_comparable", "show_refusal"]

LABEL = "Compare the common part"


def show_refusal(family: Family, error: KinshipError) -> None:
    """Say why a family cannot be compared; where it is for lack of common weights, offer to compare those there are."""
    st.warning(str(error))
    if isinstance(error, CoverageError) and st.button(LABEL, help="The family keeps this choice; all pages follow it."):
        allow_partial(family.name)
        st.rerun()


def show_comparable(family: Family, models: Sequence[str]) -> bool:
    """Show the warnings about some of a family's models; return whether they can be compared, and say why if not."""
    try:
        alignment = current_alignment(replace(family, members=tuple(models)))
    except KinshipError as error:
        show_refusal(family, error)
        return False
    if alignment is not None:
        show_warnings(alignment.warnings)
    return True
