"""The digest of a tokenizer's files."""

from __future__ import annotations

from kinship.checkpoints import tokenizer_digest
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
