"""Finding every checkpoint below a folder."""

from pathlib import Path

import pytest
import torch

from kinship.checkpoints import find_checkpoints, scan
from kinship.errors import CheckpointError
from tests.checkpoints.test_adapter import Q, factors
from tests.families import llama, open_to_all, save, save_adapter, save_model, save_sharded, unprivileged


def _found(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in find_checkpoints(folder)]


def test_every_kind_is_found_at_any_depth(tmp_path):
    save_model(tmp_path / "apple", llama(0))
    save_sharded(tmp_path / "fruit" / "old" / "pear", llama(0))
    save_adapter(tmp_path / "fruit" / "quince", factors(Q, 12, 12))
    save(tmp_path / "lone.safetensors", llama(0))
    save(tmp_path / "fruit" / "plum.safetensors", llama(0))
    torch.save({"w": torch.ones(2)}, tmp_path / "fruit" / "fig.pth")
    assert _found(tmp_path) == [
        "apple", "fruit/fig.pth", "fruit/old/pear", "fruit/plum.safetensors", "fruit/quince", "lone.safetensors",
    ]  # fmt: skip
    result = scan(tmp_path)
    assert result.problems == ()
    assert [c.name for c in result.checkpoints] == ["apple", "fig", "lone", "pear", "plum", "quince"]


def test_a_checkpoint_folder_and_a_file_themselves(tmp_path):
    folder = save_model(tmp_path / "apple", llama(0))
    assert find_checkpoints(folder) == [folder]
    assert find_checkpoints(folder / "model.safetensors") == [folder / "model.safetensors"]
    with pytest.raises(CheckpointError, match="not a weight file"):
        find_checkpoints(folder / "config.json")


def test_states_of_training_and_hidden_places_are_no_checkpoints(tmp_path):
    folder = save_model(tmp_path / "apple", llama(0))
    for name in ("optimizer.pt", "scheduler.pt", "training_args.bin", "rng_state.pth", "trainer_state.json"):
        (folder / name).write_bytes(b"x")
        (tmp_path / name).write_bytes(b"x")
    save_model(tmp_path / ".cache" / "pear", llama(0))
    save(tmp_path / ".hidden.safetensors", llama(0))
    (tmp_path / "config.json").write_text("{}")
    assert _found(tmp_path) == ["apple"]


def test_problems_are_told_and_the_others_opened(tmp_path):
    save_model(tmp_path / "apple", llama(0))
    cut = save_model(tmp_path / "cut", llama(0)) / "model.safetensors"
    cut.write_bytes(cut.read_bytes()[:-4])
    (save_model(tmp_path / "json", llama(0)) / "config.json").write_text("{")
    (tmp_path / "q4.gguf").write_bytes(b"GGUF")
    lost = save_sharded(tmp_path / "lost", llama(0)) / "model-00001-of-00003.safetensors"
    lost.unlink()
    result = scan(tmp_path)
    assert [c.name for c in result.checkpoints] == ["apple"]
    words = ["truncated", "not valid JSON", "shard is missing", "GGUF"]
    assert len(result.problems) == len(words)
    for problem, word, file in zip(result.problems, words, [cut, tmp_path / "json", lost, tmp_path], strict=True):
        assert word in problem
        assert str(file) in problem


def test_links_are_followed_once(tmp_path):
    real = save_model(tmp_path / "store" / "apple", llama(0))
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (shelf / "pear").symlink_to(real)
    (shelf / "round").symlink_to(shelf)
    (shelf / "gone").symlink_to(tmp_path / "nowhere")
    (shelf / "file.safetensors").symlink_to(real / "model.safetensors")
    assert _found(shelf) == ["file.safetensors", "pear"]
    assert [c.name for c in scan(shelf).checkpoints] == ["file", "pear"]


def test_a_broken_link_to_weights_is_a_problem(tmp_path):
    (tmp_path / "m.safetensors").symlink_to(tmp_path / "nowhere")
    assert "no such file" in scan(tmp_path).problems[0]


def test_a_snapshot_in_the_hubs_cache_is_found(tmp_path):
    snapshot = tmp_path / "models--org--apple" / "snapshots" / "0f"
    save_model(snapshot, llama(0))
    assert [c.name for c in scan(tmp_path).checkpoints] == ["apple"]


def test_an_empty_folder(tmp_path):
    assert scan(tmp_path).checkpoints == ()


def test_a_missing_folder(tmp_path):
    with pytest.raises(CheckpointError, match="there is no such folder; check the path"):
        scan(tmp_path / "apple")


def test_what_may_not_be_read_is_told():
    with open_to_all() as place:
        save_model(place / "apple", llama(0))
        closed = save_model(place / "closed", llama(0))
        closed.chmod(0)
        with unprivileged():
            result = scan(place)
            assert [c.name for c in result.checkpoints] == ["apple"]
            assert result.problems == (f"{closed}: cannot be read (Permission denied); mend its permissions",)
            for folder in (closed, closed / "below"):
                with pytest.raises(CheckpointError, match="Permission denied"):
                    scan(folder)
        closed.chmod(0o755)
