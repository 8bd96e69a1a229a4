"""Families are measured once, extended by what is new, and survive a killed worker."""

from __future__ import annotations

import json
import os
import shutil
import time

import numpy as np
import pytest
from sqlalchemy import text

from kinship.checkpoints import align, open_checkpoint
from kinship.errors import CheckpointError
from kinship.similarity import gram_table, kinship_matrix
from kinship.workspace.jobs.queue import cancel, enqueue, job, log_tail
from kinship.workspace.store.database import transaction
from kinship.workspace.store.gram_tables import load_table, store_table
from kinship.workspace.work.measure import KeptPass, measure
from tests.checkpoints.test_adapter import Q, factors
from tests.families import llama, save, save_adapter, tuned


@pytest.fixture
def models(tmp_path):
    base = llama(0)
    made = [save(tmp_path / "m" / "base.safetensors", base)]
    made += [save(tmp_path / "m" / f"m{i}.safetensors", tuned(base, i)) for i in range(1, 6)]
    return [open_checkpoint(path) for path in made]


def aligned(models, *members):
    return align(models[0], [models[i] for i in members])


def no_pass(*args, **kwargs):
    raise AssertionError("the weights were read")


def test_a_second_look_reads_no_weight(home, models, monkeypatch):
    alignment = aligned(models, 1, 2, 3)
    table = measure(alignment)
    monkeypatch.setattr("kinship.workspace.work.measure.gram_table", no_pass)
    again = measure(alignment)
    assert np.array_equal(again.gram, table.gram)
    assert again.names == table.names
    assert again.seconds == table.seconds


def test_part_of_a_family_in_another_order_is_answered_from_its_table(home, models, monkeypatch):
    measure(aligned(models, 1, 2, 3, 4))
    monkeypatch.setattr("kinship.workspace.work.measure.gram_table", no_pass)
    part = measure(aligned(models, 4, 2))
    assert part.models == ("m4", "m2")
    expected = gram_table(aligned(models, 4, 2))
    scale = np.sqrt(np.einsum("tii->ti", expected.gram))
    apart = np.abs(part.gram - expected.gram) / (scale[:, :, None] * scale[:, None, :])
    assert apart.max() < 1e-12


def test_a_new_model_adds_its_row_alone(home, models, monkeypatch):
    measure(aligned(models, 1, 3))
    passes = []

    def watched(alignment, device, **options):
        passes.append((alignment.names, len(options["known"].names)))
        return gram_table(alignment, device, **options)

    monkeypatch.setattr("kinship.workspace.work.measure.gram_table", watched)
    table = measure(aligned(models, 1, 2, 3))
    assert passes == [(("base", "m1", "m3", "m2"), 3)]
    assert table.names == ("base", "m1", "m2", "m3")
    for name in ("pcc", "cosine", "euclidean"):
        expected = kinship_matrix(gram_table(aligned(models, 1, 2, 3)), name).values
        assert kinship_matrix(table, name).values == pytest.approx(expected, rel=1e-9)


def test_a_copy_of_the_base_is_a_member_without_a_change_whatever_was_measured_before(home, models, tmp_path):
    copy = tmp_path / "copy" / "same.safetensors"
    copy.parent.mkdir()
    shutil.copy2(models[0].path, copy)
    twin = open_checkpoint(copy.rename(tmp_path / "copy" / models[0].path.name))
    assert twin.fingerprint == models[0].fingerprint
    measure(aligned(models, 1, 2))
    for _ in range(2):  # measured as an extension, then found
        values = kinship_matrix(measure(align(models[0], [twin, models[1], models[2]]))).values
        assert np.isnan(values[0, 1:]).all()
        assert np.isfinite(values[1, 2])


def test_a_changed_file_is_measured_again(home, models, tmp_path):
    measure(aligned(models, 1, 2))
    save(models[1].path, tuned(llama(0), 99))
    os.utime(models[1].path, ns=(1, 1))
    changed = align(models[0], [open_checkpoint(models[1].path), models[2]])
    assert load_table(changed) is None


def test_another_device_has_its_own_table(home, models):
    alignment = aligned(models, 1)
    store_table(alignment, gram_table(alignment, "cpu"))
    assert load_table(alignment, "cpu") is not None
    assert load_table(alignment, "cuda") is None
    assert load_table(alignment, "auto") is not None


def test_a_kept_state_of_another_family_is_not_taken_up(home, models, tmp_path):
    class Impatient(KeptPass):
        def progress(self, done, total):
            pass

    watch = Impatient(lambda *_: None, tmp_path / "pass.npz")
    watch.key = "another family"
    from kinship.similarity.gram import _empty

    watch.keep(_empty(1, 2))
    assert watch.take_up() is not None
    watch.key = "this family"
    assert watch.take_up() is None


def test_a_state_is_not_taken_up_on_another_device(home, models, monkeypatch):
    keys = []
    monkeypatch.setattr(
        "kinship.workspace.work.measure.gram_table", lambda alignment, *_, **__: gram_table(alignment, "cpu")
    )
    for place in ("cpu", "cuda"):
        monkeypatch.setattr("kinship.workspace.work.measure.resolve_device", lambda _, place=place: place)
        watch = KeptPass(lambda *_: None)
        measure(aligned(models, 1), "auto", watch, fresh=True)
        keys.append(watch.key)
    assert keys[0] != keys[1]


def test_weights_that_are_replaced_while_they_are_read_have_no_table(home, models):
    weights = models[0].path
    content = weights.read_bytes()

    class Rewriting(KeptPass):
        def progress(self, done, total):
            stat = weights.stat()
            with weights.open("r+b") as file:  # cut short, it would take the memory map away
                file.write(content)
            os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    alignment = aligned(models, 1)
    with pytest.raises(CheckpointError, match=r"base\.safetensors: it was changed after it was opened"):
        measure(alignment, "cpu", Rewriting(lambda *_: None))
    assert load_table(alignment) is None


def swapped(model):
    """Write other values into the file of a model, as large and as old as before; return it opened."""
    stat, content = model.path.stat(), bytearray(model.path.read_bytes())
    tensor = model.tensors[f"{Q}.weight"]
    content[tensor.offset : tensor.offset + tensor.nbytes] = llama(9)[f"{Q}.weight"].astype("<f4").tobytes()
    model.path.write_bytes(content)
    os.utime(model.path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other = open_checkpoint(model.path)
    assert other.fingerprint == model.fingerprint
    return other


@pytest.mark.parametrize("number", [0, 2])
def test_other_weights_of_the_same_size_and_time_have_a_table_of_their_own(home, models, number):
    measure(aligned(models, 1, 2, 3), "cpu")
    models[number] = swapped(models[number])
    expected = gram_table(aligned(models, 1, 2, 3), "cpu").gram
    assert load_table(aligned(models, 1, 2, 3)) is None
    assert np.array_equal(measure(aligned(models, 1, 2, 3), "cpu").gram, expected)
    assert np.array_equal(load_table(aligned(models, 1, 2, 3)).gram, expected)


def test_no_table_is_extended_by_rows_of_other_weights(home, models):
    measure(aligned(models, 1, 2), "cpu")
    models[2] = swapped(models[2])
    assert np.array_equal(
        measure(aligned(models, 1, 2, 3), "cpu").gram, gram_table(aligned(models, 1, 2, 3), "cpu").gram
    )


def test_a_table_stays_that_of_weights_that_were_linked_or_copied(home, models, tmp_path):
    table = measure(aligned(models, 1, 2), "cpu")
    os.link(models[1].path, tmp_path / "link")
    shutil.copy2(models[2].path, tmp_path / "copy")
    (tmp_path / "copy").replace(models[2].path)
    again = [open_checkpoint(one.path) for one in models]
    assert np.array_equal(load_table(aligned(again, 1, 2)).gram, table.gram)


def test_a_damaged_state_is_not_taken_up(tmp_path):
    file = tmp_path / "pass.npz"
    file.write_bytes(b"PK\x03\x04 half a zip")
    assert KeptPass(lambda *_: None, file).take_up() is None


def slow_family(folder, gigabytes=2.0, members=11):
    """A base and hard links to it: real reads of sparse files, as slow as a real family, on hardly any disk."""
    elements = int(gigabytes * 1e9 / 2 / 8)
    names = [f"model.layers.{i}.mlp.up_proj.weight" for i in range(8)]
    header = {
        name: {"dtype": "BF16", "shape": [elements], "data_offsets": [2 * elements * i, 2 * elements * (i + 1)]}
        for i, name in enumerate(names)
    }
    text = json.dumps(header).encode()
    folder.mkdir()
    base = folder / "base.safetensors"
    with base.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + 2 * elements * 8)
    linked = [folder / f"m{i}.safetensors" for i in range(members)]
    for link in linked:
        os.link(base, link)
    return {"base": str(base), "members": [str(link) for link in linked]}


def wait_for(condition, seconds=90.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("that did not happen in time")


def test_a_pass_goes_on_where_a_killed_worker_left_it(home, tmp_path, start_worker):
    family = slow_family(tmp_path / "slow")
    worker = start_worker()
    id = enqueue("measure", "slow", **family)
    wait_for((home / "scratch" / id / "pass.npz").exists)
    worker.kill()
    worker.wait()
    start_worker()
    wait_for(lambda: job(id).state == "done")
    assert "goes on after" in log_tail(id)
    paths = [open_checkpoint(path) for path in (family["base"], *family["members"])]
    table = load_table(align(paths[0], paths[1:]))
    assert table is not None
    assert not table.gram.any()


def test_a_pass_can_be_cancelled(home, tmp_path, start_worker):
    family = slow_family(tmp_path / "slow")
    start_worker()
    id = enqueue("measure", "slow", **family)
    wait_for(lambda: job(id).fraction > 0)
    cancel(id)
    wait_for(lambda: job(id).state == "cancelled", 20)
    wait_for(lambda: not (home / "scratch" / id).exists(), 20)


def test_a_table_of_an_earlier_release_answers_for_models_but_for_no_adapter(home, models, tmp_path):
    """It took every adapter for B @ A, whatever its config said."""
    adapter = open_checkpoint(save_adapter(tmp_path / "apple", factors(Q, 12, 12), init_lora_weights="pissa"))
    for members in ([models[1]], [models[1], adapter]):
        alignment = align(models[0], members)
        store_table(alignment, gram_table(alignment))
        assert load_table(alignment) is not None
        before = json.dumps([one.fingerprint for one in (models[0], *members)])
        with transaction() as connection:
            connection.execute(text("update gram_tables set fingerprints = :before"), {"before": before})
        assert (load_table(alignment) is not None) == (adapter not in members)
