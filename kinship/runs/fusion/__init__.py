"""Iterated fusion: contributors fine-tune a shared model, and their mean is the next."""
