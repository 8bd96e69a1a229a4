"""What cannot be loaded as a language model is named by its cause, with the file and the way."""

from __future__ import annotations

import json

import pytest

from kinship.errors import CheckpointError
from kinship.evaluation import resolve_tasks
from tests.evaluation.bigram import bigram
from tests.evaluation.cases import write_jsonl

CHAIN = {"so": "be", "be": "it"}


@pytest.fixture
def refused(evaluator, tmp_path):
    """Call to evaluate a model that cannot be; returns the one line that says why."""
    task = resolve_tasks([str(write_jsonl(tmp_path / "asked.jsonl", [{"prompt": "so", "answer": "be it"}]))])

    def evaluate(folder):
        with pytest.raises(CheckpointError) as caught:
            evaluator.evaluate(folder, task)
        assert len(str(caught.value).splitlines()) == 1
        return str(caught.value).removeprefix(f"{folder}: ")

    return evaluate


def changed(folder, name, **said):
    file = folder / name
    file.write_text(json.dumps(json.loads(file.read_text()) | said))
    return folder


def test_no_tokenizer(refused, tmp_path):
    folder = bigram(tmp_path / "m", CHAIN)
    (folder / "tokenizer.json").unlink()
    assert refused(folder).startswith("it has no tokenizer; copy tokenizer.json and tokenizer_config.json from")


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ({"bos_token": None, "eos_token": None}, "names neither a first nor a last token; name one in tokenizer_con"),
        ({"eos_token": None}, "has no token that ends an answer; name it in tokenizer_config.json (eos_token)"),
    ],
)
def test_no_bos_or_eos(refused, tmp_path, ends, words):
    assert words in refused(bigram(tmp_path / "m", CHAIN, **ends))


def test_custom_code(refused, tmp_path):
    code = {"AutoConfig": "configuration_x.XConfig", "AutoModelForCausalLM": "modeling_x.XModel"}
    folder = changed(bigram(tmp_path / "m", CHAIN), "config.json", model_type="x", auto_map=code)
    assert refused(folder).startswith("it needs code of its own (auto_map in config.json: configuration_x.XConfig)")
    code = {"AutoConfig": "org/x--configuration_x.XConfig"}
    folder = changed(bigram(tmp_path / "e", CHAIN), "config.json", model_type="x", auto_map=code)
    assert refused(folder).startswith("it needs code of org/x (auto_map in config.json: configuration_x.XConfig)")
    code = {"AutoTokenizer": ["tokenization_x.XTokenizer", None]}
    folder = changed(bigram(tmp_path / "t", CHAIN), "tokenizer_config.json", tokenizer_class="X", auto_map=code)
    (folder / "tokenizer.json").unlink()
    assert "(auto_map in tokenizer_config.json: tokenization_x.XTokenizer)" in refused(folder)


def test_a_model_that_sees(refused, tmp_path):
    said = {"model_type": "clip", "architectures": ["CLIPModel"], "vision_config": {}, "text_config": {}}
    assert refused(changed(bigram(tmp_path / "m", CHAIN), "config.json", **said)).startswith("it is a CLIPModel, whose")


def test_a_model_that_writes_nothing_or_is_unknown(refused, tmp_path):
    folder = changed(bigram(tmp_path / "m", CHAIN), "config.json", model_type="vit", architectures=["ViTModel"])
    assert refused(folder).startswith("its config.json says ViTModel, which does not write text; give a causal")
    folder = changed(bigram(tmp_path / "u", CHAIN), "config.json", model_type="llama9")
    assert refused(folder).startswith("its config.json says model_type llama9, which this transformers does not know")


def test_a_broken_tokenizer(refused, tmp_path):
    folder = bigram(tmp_path / "m", CHAIN)
    (folder / "tokenizer.json").write_text('{"version": "1.0"}')
    assert refused(folder).startswith("its tokenizer cannot be loaded (")
