"""The page Stages."""
