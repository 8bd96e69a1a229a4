"""Long work that is kept and can be taken up again: pair searches, iterated fusions, recipe searches."""
