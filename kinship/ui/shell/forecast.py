"""What a run will take, on its form: which of its models are to stay, and how much work, time and disk it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from kinship.runs.forecast import Forecast
from kinship.runs.kind import Keep
from kinship.ui.shell.words import bytes_text, duration

__all__ = ["choose_keep", "show_forecast"]

_KEEP = {"best": "the best", "all": "all models", "some": "so many of the best"}


def choose_keep(key: str, usual: Literal["best", "all"] = "best", *, help: str) -> Keep:
    """Ask which of its models stay when a run is over."""
    row = st.container(horizontal=True, gap="xsmall")
    chosen = row.selectbox(
        "Keep",
        list(_KEEP),
        index=list(_KEEP).index(usual),
        format_func=lambda keep: _KEEP[keep],
        key=key,
        bind="query-params",
        width=170,
        help=help,
    )
    if chosen != "some":
        return "all" if chosen == "all" else "best"
    count: int = row.number_input("of them", 0, 10_000, 3, key=f"{key}-count", bind="query-params", width=66)
    return count


def show_forecast(expected: Sequence[Forecast], about: str, caption: str) -> None:
    """Show what runs will take at most, all together; `about` says how much work, with places for the two counts."""
    merges, evaluations = (sum(getattr(one, what) for one in expected) for what in ("merges", "evaluations"))
    known = [one.seconds for one in expected if one.seconds is not None]
    time = f"about {duration(sum(known))}" if len(known) == len(expected) else "unknown until something was measured"
    size, kept, free = sum(one.size for one in expected), sum(one.kept for one in expected), expected[0].free
    st.markdown(
        f"**At most** {about.format(merges=merges, evaluations=evaluations)}  \n**Time** {time}  \n"
        f"**Disk** {bytes_text(size)} of {bytes_text(free)} free; {bytes_text(kept)} stay when it is over"
    )
    if size > free:
        st.warning("There is not enough disk for all of its models; free some, or ask for less.")
    st.caption(caption)
