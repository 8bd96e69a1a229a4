"""Vocabularies are read from whichever files hold them, and are never called the same unread."""

from __future__ import annotations

import io
import json

import pytest

from kinship.merging import Parent, Recipe, preflight
from kinship.merging.vocabulary_files import read_vocabulary
from tests.families import llama, tuned
from tests.merging.models import TOKENS, save_mergeable

BASE = llama(0, vocabulary=len(TOKENS) + 1)
LETTERS = ["<s>", *TOKENS]


def as_json(folder, tokens):
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")


def as_lines(folder, tokens):
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n")


def as_added(folder, tokens):
    as_json(folder, tokens[:-1])
    (folder / "added_tokens.json").write_text(json.dumps({tokens[-1]: len(tokens) - 1}))


def as_decoder(folder, tokens):
    as_json(folder, tokens[:-1])
    added = {str(len(tokens) - 1): {"content": tokens[-1], "special": False}}
    (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": added}))


def as_sentencepiece(folder, tokens, name="tokenizer.model"):
    def field(number, data):
        size, head = len(data), bytes([number << 3 | 2])
        while size > 127:
            head, size = head + bytes([size & 127 | 128]), size >> 7
        return head + bytes([size]) + data

    score = bytes([2 << 3 | 5]) + bytes(4)
    pieces = b"".join(field(1, field(1, token.encode()) + score + bytes([3 << 3, 1])) for token in tokens)
    (folder / name).write_bytes(pieces + field(2, b"trainer" * 30))


def as_spiece(folder, tokens):
    as_sentencepiece(folder, tokens, "spiece.model")


FORMS = [as_json, as_lines, as_added, as_decoder, as_sentencepiece, as_spiece]


def pair(folder, write, first, second):
    models = []
    for name, tokens in (("a", first), ("b", second)):
        models.append(save_mergeable(folder / name, tuned(BASE, len(name))))
        (models[-1] / "tokenizer.json").unlink()
        write(models[-1], tokens)
    return models


def found(models, severity):
    recipe = Recipe("linear", tuple(Parent(str(path), {"weight": 1.0}) for path in models))
    return [one.message for one in preflight(recipe) if one.what == "vocabulary" and one.severity == severity]


@pytest.mark.parametrize("write", FORMS)
def test_tokens_are_read_and_compared(write, tmp_path):
    models = pair(tmp_path, write, LETTERS, [*LETTERS[:-3], "y", "x", "z"])
    assert read_vocabulary(models[0]) == {token: number for number, token in enumerate(LETTERS)}
    (told,) = found(models, "warning")
    assert told.startswith("2 tokens have another id in b than in a ('y' is 25 there and 24 here)")


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path):
    as_added(tmp_path, LETTERS)
    for name in ("vocab.json", "added_tokens.json"):
        (tmp_path / name).write_text((tmp_path / name).read_text(), encoding="utf-8-sig")
    assert read_vocabulary(tmp_path) == {token: number for number, token in enumerate(LETTERS)}


@pytest.mark.parametrize("write", FORMS)
def test_equal_files_are_the_same_tokens(write, tmp_path):
    models = pair(tmp_path, write, LETTERS, LETTERS)
    assert found(models, "warning") == []
    assert any("the same in all" in told for told in found(models, "ok"))


def test_a_model_of_sentencepiece_itself_is_read(tmp_path):
    import sentencepiece

    file = io.BytesIO()
    sentences = iter([f"{one}{two} {two}" for one in TOKENS for two in TOKENS])
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=sentences, model_writer=file, vocab_size=60, hard_vocab_limit=False, minloglevel=2
    )
    (tmp_path / "tokenizer.model").write_bytes(file.getvalue())
    reader = sentencepiece.SentencePieceProcessor(model_proto=file.getvalue())
    assert read_vocabulary(tmp_path) == {reader.id_to_piece(i): i for i in range(reader.get_piece_size())}


def unreadable(folder, tokens):
    (folder / "tokenizer.model").write_bytes(b"\x0f" + "".join(tokens).encode())


def tiktoken(folder, tokens):
    (folder / "qwen.tiktoken").write_text("".join(tokens))


@pytest.mark.parametrize("write", [unreadable, tiktoken])
def test_what_cannot_be_read_is_said_to_be_unread(write, tmp_path):
    models = pair(tmp_path, write, LETTERS, LETTERS[::-1])
    (told,) = found(models, "warning")
    assert "of a and b cannot be read here, so tokens were not compared" in told
    assert not any("the same in all" in one for one in found(models, "ok"))


def test_a_parent_without_a_tokenizer_is_not_called_the_same(tmp_path):
    models = pair(tmp_path, as_json, LETTERS, LETTERS)
    (models[1] / "vocab.json").unlink()
    (told,) = found(models, "warning")
    assert "of b cannot be read" in told
    recipe = Recipe("linear", tuple(Parent(str(path), {"weight": 1.0}) for path in models), tokenizer="base")
    told = [one.message for one in preflight(recipe) if one.severity == "warning"]
    assert any("b has no tokenizer, and mergekit takes its tokens for those of a" in one for one in told)
