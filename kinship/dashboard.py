"""Where the dashboard's pages are: beside the package in a checkout, inside it when installed from a wheel."""

from __future__ import annotations

from pathlib import Path

from kinship.errors import KinshipError

__all__ = ["dashboard_folder"]


def dashboard_folder() -> Path:
    """Return the folder with app.py and pages/."""
    package = Path(__file__).parent
    for folder in (package / "_dashboard", package.parent):
        if (folder / "app.py").is_file() and (folder / "pages").is_dir():
            return folder
    raise KinshipError(f"the pages are missing beside {package}; install kinship again")
