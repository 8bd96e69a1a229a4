"""The search over the parameters of one merge."""
