"""The page Landscape: lines, planes and recipe searches."""
