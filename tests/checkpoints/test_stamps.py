"""A file that somebody wrote is told from what it was, whatever time it bears."""

from __future__ import annotations

import os
import shutil

import pytest

from kinship.checkpoints import file_stamp, open_checkpoint, refuse_changed
from kinship.checkpoints.serialise import from_json, to_json
from kinship.errors import CheckpointError
from tests.families import llama, save_model


@pytest.fixture
def folder(tmp_path):
    return save_model(tmp_path / "model", llama(0))


def written_in_place(file):
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def replaced(file):
    shutil.copyfile(file, file.with_suffix(".new"))
    file.with_suffix(".new").replace(file)


@pytest.mark.parametrize("change", [written_in_place, replaced])
def test_a_change_that_keeps_size_and_time_is_seen(folder, change):
    file = folder / "model.safetensors"
    checkpoint = open_checkpoint(folder)
    refuse_changed([checkpoint])
    stat = file.stat()
    change(file)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    with pytest.raises(CheckpointError, match=r"model\.safetensors: it was changed after it was opened.*try again"):
        refuse_changed([checkpoint])


def test_reading_is_no_change(folder):
    checkpoint = open_checkpoint(folder)
    (folder / "model.safetensors").read_bytes()
    refuse_changed([checkpoint, open_checkpoint(folder)])


def test_a_file_that_is_gone_has_no_stamp(folder):
    checkpoint = open_checkpoint(folder)
    (folder / "model.safetensors").unlink()
    assert file_stamp(folder / "model.safetensors") == ""
    with pytest.raises(CheckpointError, match="was changed"):
        refuse_changed([checkpoint])


def test_what_is_kept_of_a_checkpoint_knows_when_it_was_opened(folder):
    checkpoint = open_checkpoint(folder)
    assert from_json(to_json(checkpoint)).stamps == checkpoint.stamps != {}
    assert from_json('{"form": "of a newer release"}') is None
