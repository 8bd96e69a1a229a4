"""Characters that a tokenizer cannot read, with tokenizers made on the spot."""

from __future__ import annotations

import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from kinship.evaluation.lacking import asked_texts, lacking_characters

EACH = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")


def by_character(characters, unknown="?", normalizer=None):
    words = Tokenizer(models.WordLevel({one: i for i, one in enumerate([*characters, "?"])}, unk_token="?"))
    words.pre_tokenizer = EACH
    if normalizer:
        words.normalizer = normalizer
    return PreTrainedTokenizerFast(tokenizer_object=words, unk_token=unknown)


def dropping(characters):
    """BPE without merges and without an unknown token leaves out what it has no token for."""
    pieces = Tokenizer(models.BPE({one: i for i, one in enumerate(characters)}, []))
    pieces.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=pieces)


def test_what_becomes_the_unknown_token():
    assert lacking_characters(by_character("abc "), ["a b", "bad", "déjà"]) == "djàé"
    assert lacking_characters(by_character("abc "), ["a b c", "cab"]) == ""


def test_what_becomes_nothing():
    assert dropping("abc").encode("abz") == dropping("abc").encode("ab")
    assert lacking_characters(dropping("abc"), ["ab zc"]) == "z"


@pytest.mark.parametrize("text", ["ab c", "c\n"])
def test_white_space_at_which_words_part_is_not_missing(text):
    words = Tokenizer(models.WordLevel({"ab": 0, "c": 1, "[UNK]": 2}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]")
    assert lacking_characters(tokenizer, [text]) == ""


def test_an_accent_that_is_composed_with_its_letter_is_not_missing():
    tokenizer = by_character("é", normalizer=normalizers.NFC())
    assert tokenizer.unk_token_id in tokenizer.encode("\u0301")
    assert lacking_characters(tokenizer, ["e\u0301"]) == ""


def test_bytes_know_everything():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_ = Tokenizer(models.BPE({one: i for i, one in enumerate(alphabet)}, []))
    bytes_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    assert lacking_characters(PreTrainedTokenizerFast(tokenizer_object=bytes_), ["Grüße, 日本\n"]) == ""


@pytest.mark.parametrize(
    ("arguments", "texts"), [(("ask", {"until": ["\n"]}), ["ask"]), (("ask", " yes"), ["ask", " yes"])]
)
def test_texts_are_those_of_the_requests(arguments, texts):
    assert list(asked_texts({"samples": {"task": [{"arguments": [arguments]}]}})) == texts
