"""lm-evaluation-harness in this process: imported once, quiet, and spared what it would do again and again."""

from __future__ import annotations

import logging
import os
from functools import cache, lru_cache, partial
from typing import Any

__all__ = ["harness"]

_TEMPLATES = 4096


@cache
def harness() -> Any:
    """Import the harness and return its package; takes some seconds the first time.

    Its numbers are untouched. What is changed in this process:

    - progress bars and all messages below an error are off;
    - bootstrapped errors are computed here, in no pool of processes;
    - where torch is not loaded yet, its threads wait in the kernel after some microseconds of waiting awake: with
      another busy process beside it on two cores, the demo's tasks took 17 s otherwise, not 2;
    - a template is compiled once, not once a question (two fifths of the time that the demo's tasks take).
    """
    os.environ.setdefault("DISABLE_MULTIPROC", "1")
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    import datasets
    import lm_eval.api.task
    import lm_eval.evaluator
    import lm_eval.tasks
    import lm_eval.utils
    import transformers

    for name in ("lm_eval", "datasets", "transformers"):
        logging.getLogger(name).setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    lm_eval.api.task.tqdm = partial(lm_eval.api.task.tqdm, disable=True)
    lm_eval.utils.env.from_string = lru_cache(_TEMPLATES)(lm_eval.utils.env.from_string)
    return lm_eval
