"""Iterated fusion (ColD Fusion) on a page: who contributes and how often, and a fusion as it grows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import streamlit as st

from kinship.demo.contributor import contribution_steps, is_demo_model
from kinship.demo.tasks import TASKS
from kinship.errors import KinshipError
from kinship.evaluation import DEMO, Options
from kinship.ui.fusion_views import show_fused, show_outcome
from kinship.ui.words import duration
from kinship.workspace import Job, cancel, enqueue, ensure_worker, jobs
from kinship.workspace.families import Family
from kinship.workspace.fusions import (
    FusionPlan,
    FusionRecord,
    delete_fusion,
    fusion_folder,
    fusion_names,
    load_fusion,
    new_fusion_name,
    write_fusion,
)

__all__ = ["show_fusion"]

_ACTIVE = ("queued", "running")
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
    names = [name for name in fusion_names() if _family_of(name) in (family.name, None)]
    if not names:
        return
    if st.session_state.get("fusion") not in names:
        asked = st.query_params.get("fusion")
        st.session_state["fusion"] = asked if asked in names else names[0]
    name = st.selectbox("Fusion", names, key="fusion", width=360)
    st.query_params["fusion"] = name  # a bound box leaves its default out of the link, and the newest one changes
    found = _job(name)
    active = found is not None and found.state in _ACTIVE
    st.fragment(_live, run_every=2 if active else None)(family, name, active)


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
    if len(contributors) < 2:
        st.caption("An average needs two contributors or more.")
    if row.button("Start the fusion", key="start-fusion", type="primary", disabled=len(contributors) < 2):
        plan = FusionPlan(
            family.base,
            tuple(name for name in names if name in contributors),
            (DEMO,),
            rounds=rounds,
            seed=seed,
            steps=steps,
            options=Options(batch_size=_BATCH),
            family=family.name,
        )
        name = new_fusion_name(plan)
        write_fusion(fusion_folder(name), FusionRecord(plan))
        st.session_state["fusion"] = name
        _go_on(name)
    st.caption(
        f"{rounds * len(contributors)} contributions, {rounds} averages and {rounds + 1} evaluations on all four "
        "tasks; it goes on when this tab is closed."
    )


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


def _live(family: Family, name: str, was_active: bool) -> None:
    found = _job(name)
    active = found is not None and found.state in _ACTIVE
    if was_active and not active:
        st.rerun()
    try:
        record = load_fusion(name)
    except KinshipError as error:
        st.error(str(error))
        return
    if record.fusion is not None and record.fusion.rounds:
        show_outcome(record, record.fusion)
    _controls(name, record, found if active else None)
    if found is not None and found.state == "failed" and not record.done:
        st.error(str(found.error))
    if record.fusion is not None and record.fusion.rounds:
        show_fused(family, name, record, record.fusion)


def _controls(name: str, record: FusionRecord, active: Job | None) -> None:
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    if active is not None:
        left = f", about {duration(active.seconds_left)} left" if active.seconds_left is not None else ""
        waiting = "waiting for the worker" if active.state == "queued" else active.what
        st.progress(active.fraction, f"{waiting}{left}")
        if row.button("Pause", key="pause-fusion", help="Finished contributions stay; it goes on where it was."):
            cancel(active.id)
            st.rerun()
        return
    if not record.done:
        if row.button("Go on", type="primary", key="go-on-fusion"):
            _go_on(name)
    else:
        more = row.number_input("More rounds", 1, _MOST_ROUNDS, 2, key="more-rounds", width=140)
        if row.button("Add them", key="add-rounds"):
            longer = replace(record.plan, rounds=record.plan.rounds + more)
            write_fusion(fusion_folder(name), replace(record, plan=longer, done=False))
            _go_on(name)
    with row.popover("Discard"):
        st.write("Removes the fusion and its shared models, also from the family. The base stays.")
        if st.button("Discard this fusion", type="primary", key="discard-fusion"):
            delete_fusion(name)
            st.session_state.pop("fusion", None)
            st.rerun()


def _go_on(name: str) -> None:
    enqueue("fuse", name, fusion=name)
    ensure_worker()
    st.rerun()


def _family_of(name: str) -> str | None:
    """Return the family of a fusion; None where its record is damaged, which is told when it is looked at."""
    try:
        return load_fusion(name).plan.family
    except KinshipError:
        return None


def _job(name: str) -> Job | None:
    """Return the newest job of a fusion."""
    return next((one for one in jobs(limit=50) if one.kind == "fuse" and one.arguments == {"fusion": name}), None)
