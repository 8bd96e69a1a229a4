"""Keep other libraries' warnings off standard error, which holds our own messages; their errors still appear."""

from __future__ import annotations

import logging
import os
import sys
import warnings

from kinship.registry import EntryPointWarning

__all__ = ["quiet_libraries"]


def quiet_libraries() -> None:
    """Silence warnings of the `warnings` module, of loggers without a handler, and of transformers, which has its own.

    Python's own -W and PYTHONWARNINGS, and TRANSFORMERS_VERBOSITY, have precedence.
    """
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    if logging.lastResort is not None:
        logging.lastResort.setLevel(logging.ERROR)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        warnings.simplefilter("default", EntryPointWarning)  # ours: what an installed package should have added
        warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"
