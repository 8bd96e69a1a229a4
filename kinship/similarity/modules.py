"""What kind of module a tensor belongs to, and where outside the layers it stands, by its name.

A name is a path of modules. In a layer the one nearest to the tensor that says what it is decides:
`norm_attn_norm.attn.Wqkv` is attention and `attention.output.LayerNorm` a norm. Words that several kinds of module use
(`dense`, `gate`, `output`) are heard only where no other speaks. Outside the layers the outermost decides:
`multi_modal_projector.row_embeddings` is the projector's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

__all__ = ["Kind", "Place", "kind_inside", "kind_outside", "mixes_positions", "place_of"]

Kind = Literal["attention", "mixer", "MLP", "norms", "embeddings", "projector", "output head", "other"]
Place = Literal["embeddings", "projector", "final norm", "output head", "other"]
Patterns = tuple[tuple[Kind, re.Pattern[str]], ...]

_NORM = re.compile(r"norm|(?:^|_)ln(?:$|_|\d)")
_MIXER = re.compile(r"mamba|mixer|(?:^|_)ssm|rg_lru|temporal")
_CLEAR: Patterns = (
    ("norms", _NORM),
    ("attention", re.compile(r"attn|attention|(?:^|_)att(?:$|_)")),
    ("mixer", re.compile(r"mamba|(?:^|_)ssm|rg_lru")),
    ("MLP", re.compile(r"mlp|feed_?forward|(?:^|_)ffn?(?:$|_|s)|expert|(?:^|_)moe|densereludense|router")),
)
_VAGUE: Patterns = (
    ("attention", re.compile(r"^w?[qkvo](?:_proj|_lin)?$|qkv|^query|^key|^value")),
    ("MLP", re.compile(r"gate|^(?:up|down)_|^(?:c_)?fc|dense|intermediate|^output|^lin\d|^w[io123]$|^wi_\d$")),
    ("mixer", _MIXER),
    ("mixer", re.compile(r"conv")),
    ("norms", re.compile(r"scal|lambda|gamma")),
    ("embeddings", re.compile(r"embed")),
    ("output head", re.compile(r"(?:^|_)head$")),
    ("MLP", re.compile(r"linear|proj")),
)
_OUTSIDE: tuple[tuple[Place, re.Pattern[str]], ...] = (
    (
        "output head",
        re.compile(
            r"(?:^|_)heads?(?:$|_)|embed_out|^output|proj_out|classif|score|pooler|logit|predict"
            r"|^cls$|^pred_|^qa_|lm_loss|^vocab_"
        ),
    ),
    (
        "embeddings",
        re.compile(
            r"emb(?!.*norm)|^wte$|^wpe$|^shared$|_tokens?$|newline$|^(?:tok|pos)_|patch"
            r"|(?:^|_)conv|^feature_|^per_layer"
        ),
    ),
    (
        "projector",
        re.compile(
            r"projector|projection$|linear_proj|merger|connector|resampler|q_?former|adapter|^mlp\d*$|downsampl"
        ),
    ),
)
_INPUT_NORM = re.compile(r"(?:^|_)pre(?:$|_)|norm_emb|ln_emb|embeddings_(?:layer_?)?norm")
_HEAD_CALLED_DECODER = re.compile(r"(?:^|\.)decoder\.\w+$")


@lru_cache(maxsize=10_000)
def kind_inside(inside: str) -> Kind:
    """Return the kind of module of a tensor of a layer, named from its layer on (`self_attn.q_proj.weight`)."""
    modules = [module.lower() for module in reversed(inside.split("."))]
    for patterns in (_CLEAR, *((one,) for one in _VAGUE)):
        for module in modules:
            for kind, pattern in patterns:
                if pattern.search(module):
                    return kind
    return "other"


def kind_outside(tensor: str) -> Kind:
    """Return the kind of module of a tensor outside the layers: a norm wherever it stands, else what its place is."""
    place = place_of(tensor)
    return "norms" if place == "final norm" or _norm_in(tensor.lower().split(".")) else place


def mixes_positions(inside: str) -> bool:
    """Tell whether a tensor of a numbered module carries one position's content to others, as those of a layer do."""
    return kind_inside(inside) == "attention" or any(_MIXER.search(module) for module in inside.lower().split("."))


def place_of(tensor: str) -> Place:
    """Return where a tensor outside the layers stands; the norm of an embedding stands with the embeddings."""
    modules = tensor.lower().split(".")
    for module in modules:
        for place, pattern in _OUTSIDE:
            if pattern.search(module):
                return place
    norm = _norm_in(modules)
    if norm:
        return "embeddings" if _INPUT_NORM.search(norm) else "final norm"
    return "output head" if _HEAD_CALLED_DECODER.search(tensor) else "other"


def _norm_in(modules: list[str]) -> str:
    return next((module for module in modules if _NORM.search(module)), "")
