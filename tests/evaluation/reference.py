"""What `lm_eval.simple_evaluate` itself answers; imports nothing of ours. Cases and answers are JSON."""

from __future__ import annotations

import json
import sys

from lm_eval.evaluator import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager


def answer(case):
    options = case["options"]
    report = simple_evaluate(
        HFLM(case["model"], device="cpu", dtype=options["dtype"], batch_size=options["batch_size"]),
        tasks=[case["theirs"]],
        task_manager=TaskManager(include_path=case["include"], include_defaults=False),
        num_fewshot=options["num_fewshot"],
        limit=None if case["samples"] else options["limit"],
        samples={case["task"]: case["samples"]} if case["samples"] else None,
        bootstrap_iters=1000,
        apply_chat_template=options["apply_chat_template"],
    )
    (value,) = (v for key, v in report["results"][case["task"]].items() if key.startswith(f"{case['metric']},"))
    (error,) = (v for key, v in report["results"][case["task"]].items() if key.startswith(f"{case['metric']}_stderr,"))
    samples = [row[case["metric"]] for rows in report["samples"].values() for row in rows]
    return {"value": value, "stderr": error, "samples": samples}


if __name__ == "__main__":
    print("\n" + json.dumps({name: answer(case) for name, case in json.load(sys.stdin).items()}))
