"""What config.json and the model card say, and packed weights refused by name."""

import json

import pytest

from kinship.checkpoints import Tensor
from kinship.checkpoints.config import config_of_tensors, read_config, read_json, read_licence
from kinship.errors import CheckpointError

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "num_hidden_layers": 2,
    "hidden_size": 8,
    "intermediate_size": 20,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 30,
    "tie_word_embeddings": False,
}


def _read(folder, said):
    (folder / "config.json").write_text(said if isinstance(said, str) else json.dumps(said))
    return read_config(folder)


def _fields(config):
    return (config.layers, config.hidden_size, config.intermediate_size, config.heads, config.key_value_heads)


def test_a_llama(tmp_path):
    config = _read(tmp_path, LLAMA)
    assert (config.architecture, config.vocabulary, config.tied) == ("LlamaForCausalLM", 30, False)
    assert _fields(config) == (2, 8, 20, 4, 2)


def test_gpt2_has_other_words(tmp_path):
    config = _read(tmp_path, {"model_type": "gpt2", "n_layer": 3, "n_embd": 16, "n_head": 4, "n_inner": None})
    assert config.architecture == "gpt2"
    assert _fields(config) == (3, 16, None, 4, None)


def test_a_nested_text_config(tmp_path):
    config = _read(tmp_path, {"architectures": ["X"], "text_config": LLAMA | {"tie_word_embeddings": True}})
    assert (config.architecture, config.layers, config.tied) == ("X", 2, True)


def test_a_config_that_is_silent_about_tying_says_nothing(tmp_path):
    assert _read(tmp_path, {"architectures": ["GemmaForCausalLM"]}).tied is None


def test_no_config(tmp_path):
    assert read_config(tmp_path) is None


@pytest.mark.parametrize(
    ("said", "problem"), [("{", "not valid JSON"), ("[" * 100_000, "not valid JSON"), ("[1]", "not a JSON object")]
)
def test_a_corrupt_config_is_named(tmp_path, said, problem):
    with pytest.raises(CheckpointError, match=rf"config\.json: this is {problem}; download or copy"):
        _read(tmp_path, said)


def test_json_that_is_no_text(tmp_path):
    (tmp_path / "x.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CheckpointError, match="not valid JSON"):
        read_json(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("method", "name"), [("gptq", "GPTQ"), ("awq", "AWQ"), ("bitsandbytes", "bitsandbytes"), ("BnB", "bitsandbytes")]
)
def test_packed_weights_are_refused_by_name(tmp_path, method, name):
    with pytest.raises(CheckpointError, match=f"{name} weights are packed integers.*quantised from"):
        _read(tmp_path, LLAMA | {"quantization_config": {"quant_method": method}})


def test_float8_is_not_packed(tmp_path):
    assert _read(tmp_path, LLAMA | {"quantization_config": {"quant_method": "fp8"}}).layers == 2


def test_a_lone_file_tells_by_its_tensors(tmp_path):
    shapes = {"model.embed_tokens.weight": (30, 8), "model.layers.0.x.weight": (8,), "model.layers.11.x.weight": (8,)}
    config = config_of_tensors({name: Tensor(name, "F32", shape, tmp_path, 0) for name, shape in shapes.items()})
    assert (config.layers, config.hidden_size, config.vocabulary, config.architecture) == (12, 8, 30, None)


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: apache-2.0\ntags: [x]\n---\n# Title", "apache-2.0"),
        ("---\r\nlicense: mit\r\n---\r\n", "mit"),
        ("\ufeff---\nlicense: mit\n---\n", "mit"),
        ("\n\n---\nlicense: mit\n---", "mit"),
        ("# Title\nlicense: mit", None),
        ("---\nlicense: [mit, other]\n---\n", None),
        ("---\nlicense: {\n---\n", None),
        ("---\nlicense: mit\ndate: 2024-13-45\n---\n", None),
        ("---\n- mit\n---\n", None),
        ("", None),
        (None, None),
    ],
)
def test_the_licence_is_the_cards(tmp_path, card, licence):
    if card is not None:
        (tmp_path / "README.md").write_bytes(card.encode())
    assert read_licence(tmp_path) == licence
