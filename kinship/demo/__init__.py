"""The demo family: a tiny Llama and experts trained from it, shipped with what was measured of them."""

from kinship.demo.build import build_family
from kinship.demo.path import demo_path, demo_scores

__all__ = ["build_family", "demo_path", "demo_scores"]
