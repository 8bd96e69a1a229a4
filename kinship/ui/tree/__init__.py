"""The page Tree."""
