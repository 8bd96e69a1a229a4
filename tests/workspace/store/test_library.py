"""What the user added, and checkpoints that only torch can open."""

from __future__ import annotations

import pytest
import torch

from kinship.checkpoints import open_checkpoint
from kinship.errors import KinshipError, UnknownNameError
from kinship.workspace.store.families import DEMO, Family, delete_family, families, family, save_family
from kinship.workspace.store.library import add_paths, added_paths, open_known, remove_path
from tests.families import llama, save
from tests.workspace.work.test_measure import wait_for


def test_paths_are_kept_once_and_forgotten_on_request(home, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    add_paths([one, two, one])
    add_paths([one])
    assert added_paths() == [one, two]
    remove_path(one)
    assert added_paths() == [two]


def test_a_torch_checkpoint_is_opened_by_the_worker(home, tmp_path, start_worker):
    from kinship.workspace.jobs.queue import enqueue, job

    file = tmp_path / "model.bin"
    torch.save({"a.weight": torch.ones(3, 4, dtype=torch.bfloat16)}, file)
    assert open_known(file) is None
    start_worker()
    id = enqueue("open", "model", path=str(file))
    wait_for(lambda: job(id).state == "done")
    assert open_known(file) == open_checkpoint(file)
    torch.save({"a.weight": torch.ones(5, 4)}, file)
    assert open_known(file) is None


def test_a_safetensors_checkpoint_needs_no_worker(home, tmp_path):
    file = save(tmp_path / "m.safetensors", llama(0))
    assert open_known(file) == open_checkpoint(file)


def test_the_first_start_has_the_demo_and_the_published_lineages(home):
    found = {one.name: one for one in families()}
    assert list(found) == [DEMO, "paper-path-1", "paper-path-2"]
    assert len(found[DEMO].members) >= 6
    assert found["paper-path-1"].published.steps[0].average_score == 73.63


def test_families_are_kept_replaced_and_forgotten(home):
    save_family(Family("mine", "/b", ("/m1",)))
    save_family(Family("mine", "/b", ("/m1", "/m2"), "leave-out"))
    assert family("mine") == Family("mine", "/b", ("/m1", "/m2"), "leave-out")
    with pytest.raises(KinshipError, match="another base, /b; choose another name"):
        save_family(Family("mine", "/c", ("/m1", "/m2")))
    delete_family("mine")
    with pytest.raises(UnknownNameError, match="no family is called 'mine'"):
        family("mine")


@pytest.mark.parametrize("name", ["", "  ", DEMO, "paper-path-1"])
def test_a_family_needs_a_name_of_its_own(home, name):
    with pytest.raises(KinshipError, match="choose another name"):
        save_family(Family(name, "/b", ("/m",)))


def test_a_family_needs_a_member(home):
    with pytest.raises(KinshipError, match="no members"):
        save_family(Family("mine", "/b", ()))
