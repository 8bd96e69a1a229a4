"""The form of a search: what to begin with, how to search, when to stop; what it will take, and the start."""

from __future__ import annotations

import streamlit as st

from kinship.errors import KinshipError
from kinship.evolution import STOPPING_RULES, STRATEGIES, Limits, Rule, stopping_rule
from kinship.merging import starting_parameters
from kinship.runs.forecast import forecast
from kinship.runs.pairs.pair_plan import Plan
from kinship.runs.pairs.pair_record import RunRecord, new_run_name, run_folder, write_run
from kinship.runs.pairs.pair_run import PAIRS
from kinship.ui.merge.recipe_form import choose_method
from kinship.ui.shell.current import chosen_models, member_names
from kinship.ui.shell.forecast import choose_keep, show_forecast
from kinship.ui.shell.partial import show_comparable
from kinship.ui.shell.scoring import choose_scoring
from kinship.workspace import submit
from kinship.workspace.store.families import Family

__all__ = ["ask_for_search"]


def ask_for_search(family: Family) -> None:
    """Show the form with the estimate; the button puts one run a strategy in the queue and chooses the last (`run`)."""
    try:
        plans = _plans(family)
        expected = [forecast(PAIRS, plan) for plan in plans]
    except KinshipError as error:
        st.warning(str(error))
        return
    if not plans:
        st.caption("Choose two models or more, a task and a strategy.")
    elif not show_comparable(family, plans[0].foundations):
        return
    else:
        work = "{merges} merges (baselines included) and {evaluations} evaluations"
        show_forecast(expected, work, "Equal merges and scores that are kept already are not made again.")
    if st.button("Start the search", key="start", type="primary", disabled=not plans, width="stretch"):
        for plan in plans:
            name = new_run_name(plan)
            write_run(run_folder(name), RunRecord(plan))
            submit("evolve", name, run=name)
            st.session_state["run"] = name


def _plans(family: Family) -> list[Plan]:
    paths = dict(zip(member_names(family), family.members, strict=True))
    usual = [name for name in chosen_models(tuple(paths)) if paths[name] not in family.children]
    names = st.pills(
        "Foundation models", list(paths), selection_mode="multi", default=usual, key="foundations", bind="query-params"
    )
    scoring = choose_scoring(family)
    strategies = st.pills(
        "Strategies, one run each",
        list(STRATEGIES),
        selection_mode="multi",
        default=["kinship"],
        format_func=lambda name: STRATEGIES[name].title,
        key="strategies",
        bind="query-params",
        help=" ".join(f"{one.title}: {one.sentence}" for one in STRATEGIES.values()),
    )
    row = st.container(horizontal=True, gap="xsmall")
    k = row.number_input("Top k", 2, 20, 3, key="k", bind="query-params", width=66)
    generations = row.number_input("Generations", 1, 100, 5, key="generations", bind="query-params", width=90)
    seed = row.number_input("Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params", width=66)
    method = choose_method()
    with st.expander("Stopping rules and limits"):
        rules = _rules()
        limits = _limits(generations)
    keep = choose_keep(
        "keep-models",
        help="When it is over. With the best stay its parents and the best baseline; what is in a family or in a job "
        "always stays, and so do recipes, from which any model can be made again.",
    )
    if len(names) < 2 or not scoring.tasks:
        return []
    return [
        Plan(
            base=family.base,
            foundations=tuple(paths[name] for name in names),
            tasks=scoring.tasks,
            include_path=scoring.include_path,
            strategy=strategy,
            k=k,
            seed=seed,
            method=method.name,
            parameters=starting_parameters(method.name),
            options=scoring.options,
            rules=rules,
            limits=limits,
            family=family.name,
            allow_partial=family.allow_partial,
            keep=keep,
        )
        for strategy in strategies
    ]


def _rules() -> tuple[Rule, ...]:
    rules = []
    for name, one in STOPPING_RULES.items():
        if st.toggle(one.title, key=f"rule-{name}", bind="query-params", help=one.sentence):
            row = st.columns(len(one.parameters))
            values = {
                parameter: column.number_input(
                    parameter, value=start, key=f"{name}-{parameter}", step=1 if isinstance(start, int) else 0.05
                )
                for column, (parameter, start) in zip(row, one.parameters.items(), strict=True)
            }
            rules.append(stopping_rule(name, **values))
    return tuple(rules)


def _limits(generations: int) -> Limits:
    merges = st.number_input("Merges at most", 1, value=None, key="most-merges", placeholder="any")
    evaluations = st.number_input("Evaluations at most", 1, value=None, key="most-evaluations", placeholder="any")
    minutes = st.number_input("Minutes at most", 0.1, value=None, key="most-minutes", placeholder="any")
    return Limits(generations, merges, evaluations, minutes)
