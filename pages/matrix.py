"""Kinship matrix: who is how closely related, and where in the network?"""

import streamlit as st

from kinship.similarity import METRICS, kinship_matrix, suspicious_models
from kinship.ui.matrix.heatmap import parts_of, provenance, show_matrix
from kinship.ui.matrix.pair import show_pair
from kinship.ui.shell.current import chosen_models, current_family
from kinship.ui.shell.frame import page
from kinship.ui.shell.work import measured

page("Kinship matrix", "Who is how closely related, and where in the network?")
family = current_family()
alignment, table = measured(family)

controls = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
metric_name = controls.segmented_control(
    "Metric",
    list(METRICS),
    format_func=lambda name: METRICS[name].title,
    default="pcc",
    required=True,
    key="metric",
    bind="query-params",
)
parts = parts_of(table)
part = controls.selectbox("Part of the model", list(parts), key="part", bind="query-params", width=170)
base = controls.selectbox(
    "Base", alignment.names, key="base", bind="query-params", width=170, help="The weight changes are since this one."
)
order = controls.segmented_control(
    "Order", ["cluster", "name"], default="cluster", required=True, key="order", bind="query-params"
)
zoomed = controls.toggle("Zoom", key="zoom", bind="query-params", help="Spread the colours over the values found.")

table = table.rebased(base)
models = chosen_models(table.models)
table = table.select(models)
kinship = kinship_matrix(table, metric_name, parts[part])
for warning in suspicious_models(table):
    st.warning(warning)

row = st.container(horizontal=True, gap="medium")
left, right = row.container(width=580), row.container(width=360)
with right:
    st.subheader("The chosen pair", anchor=False)
    picks = st.columns(2)
    first = picks[0].selectbox("First", models, key="first", bind="query-params")
    second = picks[1].selectbox("Second", models, index=min(1, len(models) - 1), key="second", bind="query-params")
    show_pair(table, (first, second), metric_name, alignment.names)
with left:
    mean = f"{kinship.mean:.2f}" if METRICS[metric_name].signed else f"{kinship.mean:.3g}"
    st.metric(f"Mean kinship of {len(models)} models ({METRICS[metric_name].title}, {part})", mean)
    source = provenance(table, kinship)
    show_matrix(kinship, by_name=order == "name", zoomed=zoomed, chosen=(first, second), source=source)
