"""Ten models of which one gives NaN, one has no chat template and one has another rope_theta, on a plain base."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.evaluation.bigram import bigram
from tests.evaluation.cases import write_jsonl
from tests.families import HEAD, NORM

NAMES = [f"m{number}" for number in range(10)]
NAN, PLAIN, TURNED = "m3", "m4", "m5"
TOLD = (
    f"{NAN} has no score: {NAN} answers NaN or infinity in float32: its weight {NORM} holds NaN",
    f"{PLAIN} has no chat template; it was asked the questions of asked plainly",
    "the base model has no chat template; it was asked the questions of asked plainly",
    "rope_theta differs: 10000 in m0, m1, m2, m4, m6, m7, m8 and m9 and 1000000 in m5; "
    "the child is run with the config of m0",
)
"""How what a search of them warns of begins."""

_CHAT = "{% for m in messages %}{{ m['content'] }}{% endfor %}{% if add_generation_prompt %} so{% endif %}"
_FOLLOWS = {"so": "be", "be": "it", "ask": "it"}
_SIZE = 8  # words, ends, and one to be even


def ten_models(folder: Path) -> Path:
    """Write `base`, the ten, each with its head moved a little, and `asked.jsonl`: with the template all are right."""
    draw = np.random.default_rng(0)
    for name in ("base", *NAMES):
        changes = {HEAD: _head() + draw.normal(0, 0.001, (_SIZE, _SIZE))}
        if name == NAN:
            changes[NORM] = np.full(_SIZE, np.nan)
        bigram(folder / name, _FOLLOWS, changes=changes, chat=None if name in ("base", PLAIN) else _CHAT)
    file = folder / TURNED / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"rope_theta": 1e6}))
    write_jsonl(folder / "asked.jsonl", [{"prompt": "ask", "choices": [" be", " it"], "answer": 0}] * 6)
    return folder


def _head() -> np.ndarray:
    words = ["<pad>", "<s>", "</s>", *_FOLLOWS, "it"]
    table = np.zeros((_SIZE, _SIZE))
    for word in words:
        table[words.index(_FOLLOWS.get(word, "</s>")), words.index(word)] = 1.0
    return table
