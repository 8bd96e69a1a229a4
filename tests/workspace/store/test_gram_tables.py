"""Which stored tables answer, which are fetched, and which go when a larger one comes."""

from __future__ import annotations

import json
from contextlib import contextmanager

import numpy as np
import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from kinship.checkpoints import align, open_checkpoint
from kinship.similarity import gram_table
from kinship.workspace.store.database import reading, transaction
from kinship.workspace.store.gram_tables import extendable_table, load_table, store_table
from tests.families import llama, save, tuned


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    base = llama(0)
    return [
        open_checkpoint(save(folder / f"m{seed}.safetensors", base if seed == 0 else tuned(base, seed)))
        for seed in range(6)
    ]


def stored(models, *chosen):
    alignment = align(models[0], [models[number] for number in chosen])
    table = gram_table(alignment, "cpu")
    store_table(alignment, table)
    return alignment, table


def kept():
    with reading() as connection:
        return connection.execute(text("SELECT count(*) FROM gram_tables")).scalar()


@contextmanager
def blobs_fetched():
    """Collect the statements that ask for the arrays of tables."""
    asked = []

    def see(_connection, _cursor, statement, *_):
        if statement.startswith("SELECT") and "gram_tables.arrays" in statement:
            asked.append(statement)

    event.listen(Engine, "before_cursor_execute", see)
    yield asked
    event.remove(Engine, "before_cursor_execute", see)


def test_only_the_table_that_answers_is_fetched(home, models):
    for chosen in ((1, 2), (2, 3), (3, 4), (4, 5)):
        stored(models, *chosen)
    with blobs_fetched() as asked:
        assert load_table(align(models[0], [models[1], models[5]])) is None
        assert asked == []
        assert load_table(align(models[0], [models[2], models[1]])).names == ("m0", "m2", "m1")
        assert len(asked) == 1
        table, positions = extendable_table(align(models[0], [models[4], models[1], models[5]]))
        assert (table.names, positions) == (("m0", "m4", "m5"), [0, 2])
        assert len(asked) == 2


def test_a_larger_table_takes_the_place_of_the_smaller_ones_and_answers_for_them(home, models):
    small, table = stored(models, 2, 1)
    stored(models, 3, 4)
    assert kept() == 2
    stored(models, 1, 2, 3)
    assert kept() == 2, "that of 1 and 2 is needless, that of 3 and 4 is not"
    answer = load_table(small)
    assert answer.names == table.names
    np.testing.assert_allclose(answer.gram, table.gram, rtol=1e-9)
    stored(models, 1, 2, 3, 4)
    assert kept() == 1
    stored(models, 4, 3, 2, 1)
    assert kept() == 1, "the same models in another order"


def test_a_smaller_table_stays_where_the_larger_one_compared_less(home, models):
    """As where one member turns out, by its content, to hold copies of another model's weights."""
    stored(models, 1, 2)
    with transaction() as connection:
        about = json.loads(connection.execute(text("SELECT about FROM gram_tables")).scalar())
        about["tensors"] = ["one.more.weight", *about["tensors"]]
        connection.execute(text("UPDATE gram_tables SET about = :about"), {"about": json.dumps(about)})
    stored(models, 1, 2, 3)
    assert kept() == 2


def test_a_table_of_another_device_stays(home, models):
    stored(models, 1)
    with transaction() as connection:
        connection.execute(text("UPDATE gram_tables SET device = 'cuda', key = 'other'"))
    stored(models, 1, 2)
    assert kept() == 2
