"""A child has its tokenizer's template and tokens, settings for answers and code, whatever the method."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from kinship.merging import METHODS, Parent, Recipe, merge, preflight, read_record
from kinship.merging.companions import chat_template, code_files, special_tokens, stop_tokens
from tests.families import llama, tuned
from tests.merging.models import TOKENS, raw_weights, save_mergeable, save_tokenizer, weights
from tests.merging.recipes import recipe_of

TEMPLATE = "{% for message in messages %}[{{ message['content'] }}]{% endfor %}"
BASE = llama(0, hidden=16, vocabulary=len(TOKENS) + 1)


def put(file, said):
    file.write_text(json.dumps((json.loads(file.read_text()) if file.is_file() else {}) | said))


def chat(folder, *, template=TEMPLATE, stop=5):
    """Make a chat model of a model: a template in a file of its own, a stop token, code that its config refers to."""
    (folder / "chat_template.jinja").write_text(template)
    put(folder / "tokenizer_config.json", {"eos_token": TOKENS[stop - 1], "bos_token": "a"})
    put(folder / "generation_config.json", {"eos_token_id": [stop, stop + 1], "temperature": 0.5, "do_sample": True})
    put(folder / "config.json", {"eos_token_id": stop, "bos_token_id": 1})
    return folder


def family(folder, names=("base", "a", "b", "c")):
    return [save_mergeable(folder / name, tuned(BASE, number)) for number, name in enumerate(names)]


@pytest.mark.parametrize("method", METHODS)
def test_a_child_of_each_method_answers_as_its_parents_do(method, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    models = family(tmp_path)
    recipe = recipe_of(METHODS[method], models[0], models[1:])
    first = (recipe.base or recipe.parents[0].path).rsplit("/", 1)[1]
    for one in models:
        chat(one) if one.name == first else chat(one, template="{{ messages }}", stop=7)
        put(one / "config.json", {"auto_map": {"AutoModelForCausalLM": "modeling_own.Own"}})
        (one / "modeling_own.py").write_text(f"NAME = {one.name!r}\n")
        (one / "additional_chat_templates").mkdir()
        (one / "additional_chat_templates" / "tools.jinja").write_text("{{ tools }}")
    record = merge(recipe, tmp_path / "child")
    child = tmp_path / "child"
    tokenizer = AutoTokenizer.from_pretrained(child)
    model, loading = AutoModelForCausalLM.from_pretrained(child, output_loading_info=True)
    assert not any(loading.values()), loading
    assert all(np.array_equal(model.state_dict()[name].double(), one) for name, one in weights(child).items())
    assert tokenizer("abc")["input_ids"] == [1, 2, 3]
    said = [{"role": "user", "content": "abc"}]
    assert tokenizer.apply_chat_template(said, chat_template=None, tokenize=False) == "[abc]"
    assert tokenizer.eos_token == "e"
    assert model.generation_config.eos_token_id == [5, 6]
    assert model.generation_config.temperature == 0.5
    assert model.config.eos_token_id == 5
    assert (child / "modeling_own.py").read_text() == f"NAME = {first!r}\n"
    assert (child / "additional_chat_templates" / "tools.jinja").is_file()
    assert f"modeling_own.py of {first}" in record.brought
    assert read_record(child) == record
    assert "modeling_own.py of" in (child / "README.md").read_text()
    ids = tokenizer("abc", return_tensors="pt")
    answer = model.generate(**ids, max_new_tokens=3, do_sample=False, pad_token_id=0)
    assert answer.shape[1] > 3


def linear(models, **more):
    recipe = Recipe("linear", tuple(Parent(str(path), {"weight": 1.0}) for path in models))
    return Recipe.from_config(recipe.to_config() | more)


def warnings(recipe):
    return [one.message for one in preflight(recipe) if one.severity == "warning"]


@pytest.mark.parametrize("form", ["tokenizer_source", "tokenizer"])
def test_with_another_tokenizer_come_its_template_and_its_stop_tokens(form, tmp_path):
    from transformers import AutoConfig, GenerationConfig

    base, a, b, _ = family(tmp_path)
    put(base / "config.json", {"eos_token_id": 9})
    put(base / "generation_config.json", {"eos_token_id": 9})
    chat(b, stop=5)
    save = json.loads((b / "tokenizer_config.json").read_text())
    save_tokenizer(b, TOKENS[::-1])
    put(b / "tokenizer_config.json", save)
    asked = {form: str(b) if form == "tokenizer_source" else {"source": str(b)}}
    recipe = linear([a, b], base_model=str(base), **asked)
    recipe = Recipe.from_config(recipe.to_config() | {"merge_method": "task_arithmetic"})
    record = merge(recipe, tmp_path / "child")
    child = tmp_path / "child"
    assert chat_template(child) == TEMPLATE
    assert stop_tokens(child) == [5, 6]
    assert AutoConfig.from_pretrained(child).eos_token_id == 5
    assert GenerationConfig.from_pretrained(child).temperature == 0.5
    assert any("eos_token_id in config.json as in b" in one for one in record.brought) or "eos" in str(record.brought)


def test_a_union_keeps_template_and_settings(tmp_path):
    _, a, b, _ = [chat(one) for one in family(tmp_path)]
    put(b / "config.json", {"eos_token_id": 7})
    recipe = linear([a, b], tokenizer_source="union", base_model=str(a))
    merge(replace(recipe), tmp_path / "child")
    assert chat_template(tmp_path / "child") == TEMPLATE
    assert stop_tokens(tmp_path / "child") == [5, 6]


def test_a_slow_tokenizer_s_files_come_along(tmp_path):
    from transformers import AutoTokenizer

    _, a, b, _ = family(tmp_path)
    letters = {"<|endoftext|>": 0} | {letter: i for i, letter in enumerate(TOKENS, start=1)}
    for one in (a, b):
        for file in ("tokenizer.json", "tokenizer_config.json"):
            (one / file).unlink()
        put(one / "vocab.json", letters)
        (one / "merges.txt").write_text("#version: 0.2\n")
        put(one / "tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer", "chat_template": TEMPLATE})
    merge(linear([a, b]), tmp_path / "child")
    ids = AutoTokenizer.from_pretrained(tmp_path / "child")("cab")["input_ids"]
    assert ids == AutoTokenizer.from_pretrained(a)("cab")["input_ids"]
    assert chat_template(tmp_path / "child") == TEMPLATE


def test_a_tokenizer_that_mergekit_cannot_load_is_copied_as_it_is(tmp_path):
    _, a, b, _ = family(tmp_path)
    (a / "tokenizer.json").rename(a / "kept.json")
    (a / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "QWenTokenizer"}))
    (a / "qwen.tiktoken").write_text("YQ== 0\n")
    record = merge(linear([a, b]), tmp_path / "child")
    assert (tmp_path / "child" / "qwen.tiktoken").read_text() == "YQ== 0\n"
    assert any("qwen.tiktoken" in one for one in record.brought)


def test_processors_come_along(tmp_path):
    _, a, b, _ = family(tmp_path)
    put(a / "preprocessor_config.json", {"size": 3})
    assert "preprocessor_config.json of a" in merge(linear([a, b]), tmp_path / "child").brought
    assert (tmp_path / "child" / "preprocessor_config.json").is_file()


def test_nothing_is_said_where_mergekit_brought_everything(tmp_path):
    _, a, b, _ = [chat(one) for one in family(tmp_path)]
    record = merge(linear([a, b]), tmp_path / "child")
    assert (record.brought, record.left) == ((), ())
    assert "mergekit aside" not in (tmp_path / "child" / "README.md").read_text()


def test_a_template_that_the_child_will_not_have_is_warned_of(tmp_path):
    base, a, b, _ = family(tmp_path)
    chat(a)
    recipe = recipe_of(METHODS["ties"], base, [a, b])
    assert any("no chat template" in one and "base" in one and "a has one" in one for one in warnings(recipe))
    chosen = Recipe.from_config(recipe.to_config() | {"tokenizer_source": str(a)})
    assert not any("chat template" in one for one in warnings(chosen))
    chosen = Recipe.from_config(recipe.to_config() | {"chat_template": "auto"})
    assert not any("chat template" in one for one in warnings(chosen))
    merge(chosen, tmp_path / "child")
    assert chat_template(tmp_path / "child") == TEMPLATE


def test_templates_and_tokens_that_differ_are_warned_of_with_both(tmp_path):
    _, a, b, c = family(tmp_path)
    chat(a)
    chat(b, template="{{ messages }}", stop=7)
    chat(c)
    told = warnings(linear([a, b]))
    assert any("the chat template of b is another than that of a" in one for one in told)
    assert any("eos_token differ: 'e' in a and 'g' in b; the child takes what a has" in one for one in told)
    assert any("stop tokens differ: [5, 6] in a and [7, 8] in b" in one for one in told)
    assert warnings(linear([a, c])) == []


@pytest.mark.parametrize("asked", ["chatlm", "{x}"])
def test_a_template_that_mergekit_would_refuse_at_the_end_is_an_error_before(asked, tmp_path):
    _, a, b, _ = family(tmp_path)
    (told,) = [one.message for one in preflight(linear([a, b], chat_template=asked)) if one.severity == "error"]
    assert "chatml" in told


def test_layers_that_are_stacked_have_their_types(tmp_path):
    from transformers import AutoModelForCausalLM

    rows = llama(0, vocabulary=len(TOKENS) + 1, layers=3)
    rows |= {f"model.layers.{i}.self_attn.{p}_norm.weight": np.ones(3) for i in range(3) for p in "qk"}
    kinds = ["full_attention", "sliding_attention", "full_attention"]
    about = {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "head_dim": 3, "layer_types": kinds}
    a = save_mergeable(tmp_path / "a", rows, **about, use_sliding_window=True, sliding_window=8)
    slices = [{"sources": [{"model": str(a), "layer_range": one}]} for one in ([0, 2], [1, 3])]
    recipe = Recipe.from_config({"merge_method": "passthrough", "slices": slices})
    record = merge(recipe, tmp_path / "child")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "child")
    assert model.config.layer_types == [kinds[layer] for layer in (0, 1, 1, 2)]
    assert record.left == ()


def test_what_the_child_lacks_is_in_its_record_and_card(tmp_path):
    rows = [tuned(BASE, seed) | {"model.layers.1.self_attn.q_proj.bias": np.ones(16)} for seed in (1, 2)]
    models = [save_mergeable(tmp_path / name, row) for name, row in zip("ab", rows, strict=True)]
    record = merge(linear(models), tmp_path / "child")
    assert record.left == tuple(f"model.layers.1.self_attn.q_proj.bias of {name}" for name in "ab")
    assert "It lacks model.layers.1.self_attn.q_proj.bias of a and" in (tmp_path / "child" / "README.md").read_text()
    shutil.rmtree(tmp_path / "child")
    slices = [{"sources": [{"model": str(models[0]), "layer_range": [0, 1]}]}]
    record = merge(Recipe.from_config({"merge_method": "passthrough", "slices": slices}), tmp_path / "child")
    assert record.left == ("model.layers.1.self_attn.q_proj.bias of a",)
    assert "model.layers.1.mlp.up_proj.weight" not in raw_weights(tmp_path / "child")


def test_a_config_with_a_byte_order_mark_says_what_it_says(tmp_path):
    said = {"eos_token_id": 5, "eos_token": "e", "chat_template": TEMPLATE}
    for name in ("config.json", "tokenizer_config.json"):
        (tmp_path / name).write_text(json.dumps(said), encoding="utf-8-sig")
    assert (stop_tokens(tmp_path), special_tokens(tmp_path)) == ([5], {"eos_token": "e"})
    assert chat_template(tmp_path) == TEMPLATE


def test_code_that_lies_elsewhere_is_not_in_the_folder(tmp_path):
    (tmp_path / "modeling_own.py").touch()
    put(tmp_path / "config.json", {"auto_map": {"AutoModel": "org/name--modeling_own.Own"}})
    assert code_files(tmp_path) == ()
    put(tmp_path / "config.json", {"auto_map": {"AutoModel": "modeling_own.Own"}})
    assert code_files(tmp_path) == ("modeling_own.py",)


def test_a_lost_bias_of_attention_is_no_mask(tmp_path):
    bias = {"model.layers.0.attn.bias": np.ones(16), "model.layers.1.attn.bias": np.ones((1, 1, 4, 4))}
    models = [save_mergeable(tmp_path / name, tuned(BASE, seed) | bias) for seed, name in enumerate("ab")]
    lost = "model.layers.0.attn.bias"
    assert any(lost in told and "layers.1" not in told for told in warnings(linear(models)))
    assert merge(linear(models), tmp_path / "child").left == (f"{lost} of a", f"{lost} of b")
