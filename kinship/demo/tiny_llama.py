"""The tiny Llama of the demo family and its tokenizer of single characters, in Hugging Face layout."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

__all__ = ["CHARACTERS", "encode", "load", "new_model", "save"]

END = "\n"
CHARACTERS = END + " =+-" + string.digits + string.ascii_lowercase
"""All characters the models know; the token of each is its index plus one, token 0 is padding."""

PAD = "<pad>"
LONGEST = 64


def encode(text: str) -> list[int]:
    """Token numbers of a text, the same as the saved tokenizer gives."""
    return [CHARACTERS.index(character) + 1 for character in text]


def new_model(hidden_size: int, layers: int) -> Any:
    """Make a Llama with random weights, in float32; the caller seeds torch.

    Parameters
    ----------
    hidden_size : int
        Width; the feed-forward layers are twice as wide, a head is 32 wide.
    layers : int
        Number of transformer layers.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            architectures=["LlamaForCausalLM"],
            vocab_size=len(CHARACTERS) + 1,
            hidden_size=hidden_size,
            intermediate_size=2 * hidden_size,
            num_hidden_layers=layers,
            num_attention_heads=hidden_size // 32,
            num_key_value_heads=hidden_size // 32,
            max_position_embeddings=LONGEST,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=1,
            tie_word_embeddings=False,
            dtype="bfloat16",
        )
    ).float()


def save(config: Any, weights: dict[str, Any], folder: Path) -> None:
    """Write configuration, weights (rounded to bfloat16) and tokenizer into a new folder."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir()
    config.save_pretrained(folder)
    rounded = {name: weight.detach().to(torch.bfloat16).contiguous() for name, weight in weights.items()}
    save_file(rounded, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # the library makes it readable by its owner alone
    _tokenizer().save_pretrained(folder)


def load(folder: Path) -> Any:
    """Read a saved model: its bfloat16 weights, in a model that calculates in float32."""
    from safetensors.torch import load_file
    from transformers import LlamaConfig, LlamaForCausalLM

    model = LlamaForCausalLM(LlamaConfig.from_pretrained(folder)).float()
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model


def _tokenizer() -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {token: number for number, token in enumerate([PAD, *CHARACTERS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=PAD))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        unk_token=PAD,
        bos_token=END,
        eos_token=END,
        model_max_length=LONGEST,
        clean_up_tokenization_spaces=False,
    )
