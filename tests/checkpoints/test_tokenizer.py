"""The digest of a tokenizer's files."""

from __future__ import annotations

import pytest

from kinship.checkpoints import tokenizer_digest
from kinship.checkpoints.tokenizer import tokenizer_files, vocabulary_files
from tests.merging.models import save_tokenizer


def test_the_digest_follows_the_files(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        save_tokenizer(folder)
    before = tokenizer_digest(one)
    assert before == tokenizer_digest(other)
    (one / "README.md").write_text("card")
    assert tokenizer_digest(one) == before
    (one / "chat_template.jinja").write_text("{{ messages }}")
    assert tokenizer_digest(one) != before


@pytest.mark.parametrize(
    "name",
    [
        *("tokenizer.json", "tokenizer.model", "tokenizer.model.v3", "spiece.model", "sentencepiece.bpe.model"),
        *("vocab.json", "vocab.txt", "tekken.json", "qwen.tiktoken", "hy.tiktoken", "tiktoken.model"),
    ],
)
def test_each_file_that_holds_tokens_is_a_tokenizer_and_changes_the_digest(name, tmp_path):
    (tmp_path / "tokenizer_config.json").write_text("{}")
    assert vocabulary_files(tmp_path) == []
    before = tokenizer_digest(tmp_path)
    digests = {before}
    for text in ("one", "other"):
        (tmp_path / name).write_text(text)
        digests.add(tokenizer_digest(tmp_path))
    assert vocabulary_files(tmp_path) == [tmp_path / name]
    assert len(digests) == 3


def test_a_folder_is_no_file_of_a_tokenizer(tmp_path):
    (tmp_path / "tokenizer").mkdir()
    assert tokenizer_files(tmp_path) == []
