"""A Llama whose every word is followed by one other: what it answers is known before it is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.families import EMBEDDING, HEAD, config, llama, save_model

ENDS = ("<pad>", "<s>", "</s>")


def bigram(
    folder: Path,
    follows: Mapping[str, str],
    *,
    window: int = 64,
    dtype: str = "F32",
    changes: Mapping[str, Any] | None = None,
    chat: str | None = None,
    **ends: Any,
) -> Path:
    """Write the model and a tokenizer of these words, parted by spaces; a word that nothing follows ends the answer.

    `changes` replace tensors, of which the head is a table and the layer adds nothing.
    """
    words = [*ENDS, *dict.fromkeys([*follows, *follows.values()])]
    size = len(words) + len(words) % 2
    tensors = {name: 0 * values for name, values in llama(0, layers=1, hidden=size, vocabulary=size).items()}
    tensors |= {name: 1 + values for name, values in tensors.items() if "norm" in name}
    tensors[EMBEDDING] = np.eye(size)
    for word in words:
        tensors[HEAD][words.index(follows.get(word, "</s>")), words.index(word)] = 1.0
    shape = {"num_attention_heads": 1, "num_key_value_heads": 1, "max_position_embeddings": window}
    save_model(folder, tensors | dict(changes or {}), config(tensors, **shape), dtype=dtype)
    _save_tokenizer(folder, words, chat, {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"} | ends)
    return folder


def _save_tokenizer(folder: Path, words: list[str], chat: str | None, ends: Mapping[str, Any]) -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit

    tokenizer = Tokenizer(WordLevel({word: place for place, word in enumerate(words)}, unk_token="<pad>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    said = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": chat} | dict(ends)
    (folder / "tokenizer_config.json").write_text(json.dumps({key: one for key, one in said.items() if one}))
