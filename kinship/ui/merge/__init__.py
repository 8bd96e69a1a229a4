"""The page Merge."""
