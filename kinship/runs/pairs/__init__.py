"""The search that merges pairs, generation after generation."""
