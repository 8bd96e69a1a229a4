"""Characters of the questions that a model cannot read: its tokenizer has no token for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["asked_texts", "lacking_characters"]


def lacking_characters(tokenizer: Any, texts: Iterable[str]) -> str:
    """Return the characters that become the unknown token or nothing, in the order of the alphabet.

    Each character is tried alone, and one that fails once more in a text that holds it, for a tokenizer may compose
    characters. White space may become nothing: tokenizers of words part them there.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
    texts : iterable of str
        As the model is given them.
    """
    seen: dict[str, str] = {}
    for text in texts:
        for character in set(text) - seen.keys():
            seen[character] = text
    return "".join(
        sorted(one for one, text in seen.items() if _lost(tokenizer, one, one) and _lost(tokenizer, one, text))
    )


def asked_texts(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield every text that a model was given, from what `lm_eval.evaluate` returned, samples included."""
    for samples in report["samples"].values():
        for sample in samples:
            for arguments in sample["arguments"]:
                yield from (one for one in arguments if isinstance(one, str))


def _lost(tokenizer: Any, character: str, text: str) -> bool:
    found = tokenizer.encode(text, add_special_tokens=False)
    if tokenizer.unk_token_id is not None and tokenizer.unk_token_id in found:
        return True
    if character.isspace():
        return False
    without = text.replace(character, "")
    return bool(found == (tokenizer.encode(without, add_special_tokens=False) if without else []))
