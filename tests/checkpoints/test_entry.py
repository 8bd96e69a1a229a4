"""The entry of a training checkpoint that holds the weights: found by what lies in it."""

import pytest
import torch

from kinship.checkpoints.entry import find_weights, told

STATE = {"layer.weight": torch.ones(4, 3), "layer.bias": torch.ones(4)}
OPTIMIZER = {"state": {0: {"exp_avg": torch.ones(40, 30)}}, "param_groups": [{"lr": 0.1}]}


@pytest.mark.parametrize(
    ("content", "path", "names"),
    [
        (STATE, (), STATE),
        ({"model": STATE, "optimizer": OPTIMIZER, "best": torch.tensor(1.5), "iter_num": 7}, ("model",), STATE),
        ({"losses": torch.ones(5000), "anything": STATE}, ("anything",), STATE),
        ({"a": STATE, "b": {name: tensor[:2] for name, tensor in STATE.items()}}, ("a",), STATE),
        ({"loss": torch.tensor([1.5]), "model": STATE}, ("model",), STATE),
        ({"epoch": 3, "state_dict": STATE}, ("state_dict",), STATE),
        ({"module": STATE, "optimizer": None, "param_shapes": []}, ("module",), STATE),
        ({"dims": {"n": 3}, "model_state_dict": STATE}, ("model_state_dict",), STATE),
        ({"anything": STATE, "adam": OPTIMIZER}, ("anything",), STATE),
        ({"model": {"state_dict": STATE, "epoch": 3}}, ("model", "state_dict"), STATE),
        ({"rng": torch.zeros(5000), "cuda_rng": torch.zeros(5000, dtype=torch.uint8), "net": STATE}, ("net",), STATE),
        ({"model": {"a": {"w": torch.ones(2, 2)}, "b": {"v": torch.ones(2, 2)}}}, ("model",), ["a.w", "b.v"]),
        ({"encoder": {"w": torch.ones(2, 2)}, "decoder": {"v": torch.ones(2, 2)}}, (), ["encoder.w", "decoder.v"]),
        ({"w": torch.ones(9, 9), "extra": {"v": torch.ones(2)}}, (), ["w"]),
        ({"w": torch.ones(9, 9), "params": {"v": torch.ones(2)}}, (), ["w"]),
        ({"model": {"b": torch.ones(4)}, "losses": torch.ones(9)}, ("model",), ["b"]),
    ],
)  # fmt: skip
def test_the_weights_are_found(content, path, names):
    found = find_weights(content)
    assert (found.path, list(found.tensors)) == (path, list(names))


def test_a_moving_average_beside_the_model_is_named_and_not_read():
    average = {name: 2 * tensor for name, tensor in STATE.items()}
    found = find_weights({"ema": average, "model": STATE, "optimizer": OPTIMIZER})
    assert (found.path, found.others) == (("model",), ("ema",))
    assert found.tensors["layer.bias"] is STATE["layer.bias"]


def test_what_lies_beside_an_entry_is_named():
    found = find_weights({"model": STATE, "positions": torch.ones(2, 2)})
    assert (found.path, found.others) == (("model",), ("positions",))


@pytest.mark.parametrize("content", [{}, {"step": 1}, {"loss": torch.tensor(1.0)}, OPTIMIZER, {"optimizer": OPTIMIZER},
                                     {"steps": torch.arange(9)}])  # fmt: skip
def test_where_there_are_none(content):
    assert find_weights(content) is None


def test_what_a_file_holds_in_words():
    said = {"best": torch.tensor(1.5), "ids": torch.arange(3), "adam": OPTIMIZER, "args": {"lr": 1}, "step": 7}
    assert (
        told(said)
        == "best (a scalar), ids (a tensor of [3]), adam (an optimizer's state), args (1 entries), step (int)"
    )
    assert told({str(i): i for i in range(10)}).endswith("7 (int) and 2 more")
    assert told({}) == "nothing"
