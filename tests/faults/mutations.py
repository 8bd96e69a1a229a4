"""Small changes to files that are right: values of a tree replaced, taken out or put twice, or the bytes changed."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

DEEP: Any = "x"
for _ in range(200):
    DEEP = [DEEP]
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 3.5, float("nan"), float("inf"), 10**40, 2**63, "", " ", "9" * 5000, "x" * 300, "a\0b", "\ud800",
    "../../x", "/", "~nosuchuser/x", "a/b/c/d", "None", "1e999", "a\nb", "=1+1", "{{ x }}", "(((", [], {}, [[]], [None],
    [1, "a", None], {"a": {}}, {"": None}, DEEP,
)  # fmt: skip
PIECES = (
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"[" * 3000,
    b"{" * 3000,
    b"9" * 5000,
    b"\n---\n",
    b"\t",
    b"&a *a",
    b"!!int ''",
    b'"',
)


def changed(data: Any, draw: Random) -> Any:
    """Return a copy of what JSON holds, changed at one to three places."""
    data = copy.deepcopy(data)
    for _ in range(draw.randint(1, 3)):
        places = list(_places(data))
        if not places:
            return draw.choice(ODD)
        inside, key = draw.choice(places)
        what = draw.random()
        if what < 0.7:
            inside[key] = copy.deepcopy(draw.choice(ODD))
        elif what < 0.85:
            del inside[key]
        elif isinstance(inside, dict):
            odd = draw.choice(ODD)
            inside[odd if isinstance(odd, str) else str(odd)[:20]] = inside[key]
        else:
            inside.append(inside[key])
    return data


def _places(data: Any):
    for key in list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
        yield data, key
        yield from _places(data[key])


def broken(content: bytes, draw: Random) -> bytes:
    """Return bytes that are cut, flipped, doubled in part, or have something put in."""
    at = draw.randrange(len(content) + 1)
    what = draw.randrange(4)
    if what == 0:
        return content[:at]
    if what == 1:
        return content[:at] + bytes(draw.randrange(256) for _ in range(draw.randint(1, 8))) + content[at + 4 :]
    if what == 2:
        return content[:at] + content[max(0, at - 40) :]
    return content[:at] + draw.choice(PIECES) + content[at:]


def as_json(data: Any) -> bytes:
    """Return the tree as JSON in bytes, with lone surrogates as escapes."""
    return json.dumps(data).encode()
