"""The kinship at which a family is saturated, as the paper reads it."""

from __future__ import annotations

__all__ = ["SATURATION"]

SATURATION = 0.9
"""Mean PCC of the best models from which merging them stops paying.

Hu et al., "Exploring Model Kinship for Merging Large Language Models", arXiv 2410.12613: their lineages are read as
saturated from here on, and their search stops early above it.
"""
