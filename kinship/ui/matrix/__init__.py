"""The page Matrix."""
