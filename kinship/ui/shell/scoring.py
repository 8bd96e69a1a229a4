"""What scores are made of: the tasks and the options, chosen alike wherever a page makes scores."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from kinship.evaluation import Options
from kinship.workspace.store.families import DEMO, Family

__all__ = ["Scoring", "choose_scoring"]

_DEMO_BATCH = 64


@dataclass(frozen=True)
class Scoring:
    """Tasks and options as the reader chose them."""

    tasks: tuple[str, ...]
    include_path: str | None
    options: Options

    @property
    def arguments(self) -> dict[str, Any]:
        """The same for a job."""
        return {"tasks": list(self.tasks), "include_path": self.include_path, "options": asdict(self.options)}


def choose_scoring(one: Family) -> Scoring:
    """Show the tasks in one field and the options beside it; nothing is read before somebody asks for scores."""
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    names = row.text_input(
        "Tasks",
        DEMO if one.name == DEMO else "",
        key="tasks",
        bind="query-params",
        placeholder="arc_easy, hellaswag, or a path to your own text",
        help="Names of lm-evaluation-harness tasks with commas between them, `demo` for the demo's four, or the path "
        "of a .jsonl file or a folder of .txt and .md files of your own.",
    )
    with row.popover("How scores are made"):
        options = Options(
            device=st.segmented_control("Device", ["auto", "cpu", "cuda"], default="auto", required=True, key="on"),
            dtype=st.segmented_control(
                "Precision",
                ["auto", "bfloat16", "float16", "float32"],
                default="auto",
                required=True,
                key="precision",
                help="auto is the checkpoint's own.",
            ),
            batch_size=st.number_input(
                "Batch size", 1, 4096, _DEMO_BATCH if one.name == DEMO else 1, key="batch", bind="query-params"
            ),
            num_fewshot=st.number_input("Few-shot examples", 0, 100, None, key="shots", bind="query-params"),
            limit=st.number_input("Questions a task, at most", 1, None, None, key="limit", bind="query-params"),
            apply_chat_template=st.toggle("Chat template", key="chat", bind="query-params"),
        )
        include = st.text_input("Folder with task files", key="include", help="lm-evaluation-harness YAML files.")
    tasks = tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    return Scoring(tasks, include.strip() or None, options)
