"""What is told of an exception of mergekit: a line that says something."""

from __future__ import annotations

import pytest
from mergekit.config import MergeConfiguration
from transformers import LlamaConfig

from kinship.merging.backend import _told


def test_a_config_that_is_printed_whole_is_left_out():
    told = _told(RuntimeError(f"Config {LlamaConfig()} has no attribute num_experts"))
    assert told == "Config LlamaConfig ... has no attribute num_experts"


def test_a_validation_error_names_the_field():
    with pytest.raises(ValueError, match="layer_range") as caught:
        MergeConfiguration.model_validate({"merge_method": "linear", "slices": [{"sources": [{"model": "a"}]}]})
    told = _told(caught.value)
    assert "slices.0.sources.0.layer_range Field required" in told
    assert "\n" not in told
    assert "further information" not in told


def test_an_exception_without_words_is_told_by_its_type():
    assert _told(KeyError()) == "KeyError"
