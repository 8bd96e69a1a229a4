"""Iterated fusion (ColD Fusion) on a page: who contributes and how often, and a fusion as it grows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import streamlit as st

from kinship.demo.contributor import contribution_steps, is_demo_model
from kinship.demo.text_tasks import TASKS
from kinship.errors import KinshipError
from kinship.evaluation import DEMO, Options
from kinship.runs.forecast import forecast
from kinship.runs.fusion.fusion_record import (
    FusionPlan,
    FusionRecord,
    delete_fusion,
    fusion_folder,
    fusion_names,
    load_fusion,
    new_fusion_name,
    write_fusion,
)
from kinship.runs.fusion.fusion_run import FUSION
from kinship.ui.evolution.fusion_views import show_fused, show_outcome
from kinship.ui.shell.forecast import choose_keep, show_forecast
from kinship.ui.shell.run_controls import More, choose_one, go_on, own_names, show_controls, watch
from kinship.ui.shell.words import counted
from kinship.workspace import Job
from kinship.workspace.store.families import Family

__all__ = ["show_fusion"]

_BATCH = 64
_MOST_ROUNDS = 50


def show_fusion(family: Family) -> None:
    """Show the form of a fusion that begins with the family's base, and the fusion chosen by the key `fusion`."""
    st.write(
        "In every round each contributor fine-tunes the shared model on a task of its own, and the mean of their "
        "weights is the next shared model (ColD Fusion, Don-Yehiya et al., arXiv 2212.01378)."
    )
    if is_demo_model(Path(family.base)):
        _ask(family)
    else:
        _say_what_is_needed(family)
    names = own_names(fusion_names(), lambda name: load_fusion(name).plan.family, family)
    if not names:
        return
    name = choose_one("Fusion", names, "fusion")
    watch("fuse", name, lambda job: _live(family, name, job))


def _ask(family: Family) -> None:
    """Show the form; its button puts a fusion in the queue and chooses it."""
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    names = [task.name for task in TASKS]
    contributors = row.pills(
        "Contributors, one a task",
        names,
        selection_mode="multi",
        default=names,
        key="contributors",
        bind="query-params",
        help="The demo's own trainer fine-tunes the shared model on each of these tasks.",
    )
    rounds = row.number_input("Rounds", 1, _MOST_ROUNDS, 4, key="rounds", bind="query-params", width=100)
    steps = row.number_input(
        "Steps", 1, 1000, None, key="steps", bind="query-params", placeholder="usual", width=140,
        help="Of every contribution; usual is half of what made the task's expert: "
        + ", ".join(f"{name}: {contribution_steps(name)}" for name in names)
        + ".",
    )  # fmt: skip
    seed = row.number_input("Seed", 0, 2**31 - 1, 0, key="fusion-seed", bind="query-params", width=100)
    keep = choose_keep("keep-fused", "all", help="When it is over; the last shared model always stays.")
    if keep != "all":
        st.warning("Shared models that go cannot be made again: their contributions are gone too.")
    plan = None
    if len(contributors) < 2:
        st.caption("An average needs two contributors or more.")
    else:
        plan = FusionPlan(
            family.base,
            tuple(name for name in names if name in contributors),
            (DEMO,),
            rounds=rounds,
            seed=seed,
            steps=steps,
            options=Options(batch_size=_BATCH),
            family=family.name,
            keep=keep,
        )
    if row.button("Start the fusion", key="start-fusion", type="primary", disabled=plan is None) and plan:
        name = new_fusion_name(plan)
        write_fusion(fusion_folder(name), FusionRecord(plan))
        st.session_state["fusion"] = name
        go_on("fuse", name)
    work = (
        f"{counted(rounds * len(contributors), 'contribution')}, {counted(rounds, 'average')} and "
        f"{counted(rounds + 1, 'evaluation')} on all four tasks; it goes on when this tab is closed."
    )
    if plan is None:
        st.caption(work)
    else:
        show_forecast([forecast(FUSION, plan)], "{merges} averages and {evaluations} evaluations", work)


def _say_what_is_needed(family: Family) -> None:
    st.markdown(
        "Fine-tuning takes your own data and your own trainer, which only the command line can run: give it one "
        "command a contributor, two or more, each of which fine-tunes `{model}` and saves the whole model as `{out}`."
    )
    st.code(
        f"kinship fuse --base '{family.base}' --rounds 4 --tasks TASKS --out FOLDER \\\n"
        "  --contributor 'python train.py --data mine.jsonl --from {model} --out {out} --seed {seed}' \\\n"
        "  --contributor 'python train.py --data yours.jsonl --from {model} --out {out} --seed {seed}'",
        language="bash",
        wrap_lines=True,
    )
    st.caption("Add the shared models in FOLDER/models on the page Checkpoints to see them beside the others.")


def _live(family: Family, name: str, job: Job | None) -> None:
    try:
        record = load_fusion(name)
    except KinshipError as error:
        st.error(str(error))
        return
    if record.fusion is not None and record.fusion.rounds:
        show_outcome(record, record.fusion)
    _controls(name, record, job)
    if record.fusion is not None and record.fusion.rounds:
        show_fused(family, name, record, record.fusion)


def _controls(name: str, record: FusionRecord, job: Job | None) -> None:
    def add(rounds: int) -> None:
        longer = replace(record.plan, rounds=record.plan.rounds + rounds)
        write_fusion(fusion_folder(name), replace(record, plan=longer, over=False))

    show_controls(
        job,
        "fuse",
        name,
        over=record.over,
        keeps="Finished contributions stay; it goes on where it was.",
        more=More("rounds", 2, _MOST_ROUNDS, add),
        removes="Removes the fusion and its shared models, also from the family. The base stays.",
        discard=lambda: delete_fusion(name),
    )
