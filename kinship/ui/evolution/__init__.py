"""The page Evolution: searches and fusions."""
