"""kinship: how related language models are, and what to merge next."""

__version__ = "0.1.0"
