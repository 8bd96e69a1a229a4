"""What is evaluated by us and by the harness itself: one case a kind of task and of option."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from kinship.demo import demo_path
from kinship.evaluation import Options

DEMO = ("addition", "reversing", "shifting", "sorting")
FUNCTIONS = """
def shout(doc):
    return doc["question"][::-1]

def half(rows):
    return rows.select(range(len(rows) // 2))
"""
ACC = [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}]
MEDIAN = [{"metric": "acc", "aggregation": "median", "higher_is_better": True}]
EXACT = [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}]
BITS = [{"metric": "bits_per_byte", "aggregation": "bits_per_byte", "higher_is_better": False}]

TURNS = {
    "prompts": ("ask", "say", "tell", "write", "read", "do"),
    "template": "{% for m in messages %}{{ m['role'] }} {{ m['content'] }} {% endfor %}"
    "{{ 'turns' if messages | length == 5 else 'alone' }}",
    "follows": {"turns": "be", "alone": "it"},
}


@dataclass(frozen=True)
class Case:
    """A name that we resolve, and the same task as a person would write it for the harness."""

    name: str
    theirs: Any
    task: str
    options: Options = field(default_factory=Options)
    model: str = "tiny"
    metric: str = "acc"
    factor: float = 100.0
    include: Path | None = None
    samples: list[int] | None = None


def demo_config(name: str) -> dict[str, Any]:
    """A demo task with the absolute path of its data, as the harness wants it."""
    folder = demo_path() / "tasks"
    said: dict[str, Any] = yaml.safe_load((folder / f"{name}.yaml").read_text())
    return said | {"dataset_kwargs": {"data_files": {"test": str(folder / f"{name}.jsonl")}}}


def questions(name: str, count: int) -> list[dict[str, Any]]:
    """The first questions of a demo task."""
    return [json.loads(line) for line in (demo_path() / f"tasks/{name}.jsonl").read_text().splitlines()[:count]]


def write_jsonl(file: Path, rows: list[Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def demo_cases() -> dict[str, Case]:
    """The demo's multiple choice under every option."""

    def one(name: str, samples: list[int] | None = None, **options: Any) -> Case:
        return Case(name, demo_config(name), f"kinship_{name}", Options(**options), samples=samples)

    return {
        "one by one": one("addition", limit=30),
        **{f"in batches, {name}": one(name, limit=50, batch_size=16) for name in DEMO},
        "with examples": one("sorting", limit=20, batch_size=8, num_fewshot=2),
        "in float32": one("reversing", limit=30, batch_size=8, dtype="float32"),
        "search half": one("shifting", list(range(0, 40, 2)), limit=20, batch_size=8, part="search"),
        "held-out half": one("shifting", list(range(1, 40, 2)), limit=20, batch_size=8, part="held-out"),
        "chat template": one("addition", limit=20, batch_size=8, apply_chat_template=True, num_fewshot=1),
    }


def folder_cases(folder: Path) -> dict[str, Case]:
    """Task files with relative data, functions, a tag, a group, and a metric that is no mean."""
    rows = write_jsonl(folder / "ours" / "data" / "rows.jsonl", questions("addition", 60))
    for place, data in ((folder / "ours", "data/rows.jsonl"), (folder / "theirs", str(rows))):
        place.mkdir(exist_ok=True)
        (place / "tricks.py").write_text(FUNCTIONS)
        said = {key: value for key, value in demo_config("addition").items() if key != "task"}
        _write(place / "base.yaml", said | {"dataset_kwargs": {"data_files": {"test": data}}})
        tricky = "include: base.yaml\ntask: tricky\ntag: both\ndoc_to_text: !function tricks.shout\n"
        (place / "tricky.yaml").write_text(tricky + "process_docs: !function tricks.half\n")
        _write(place / "plain.yaml", {"include": "base.yaml", "task": "plain", "tag": "both"})
        lost = said | {"task": "lost", "dataset_kwargs": {"data_files": {"test": "lost.jsonl"}}}
        _write(place / "lost.yaml", lost)
        _write(place / "middle.yaml", {"include": "base.yaml", "task": "middle", "metric_list": MEDIAN})
        target = {"output_type": "loglikelihood", "doc_to_target": "{{choices[answer]}}", "doc_to_choice": None}
        _write(place / "likely.yaml", {"include": "base.yaml", "task": "likely", "metric_list": ACC} | target)
        group = {"group": "all", "task": ["tricky", "plain"], "aggregate_metric_list": [{"metric": "acc"}]}
        _write(place / "all.yaml", group)
    options = {"tricky": Options(), "all": Options(limit=20, batch_size=8), "middle": Options(batch_size=8)}
    options["likely"] = Options(limit=30, batch_size=8)
    return {name: Case(name, name, name, one, include=folder) for name, one in options.items()}


def own_cases(folder: Path) -> dict[str, Case]:
    """Own text beside the task files that say the same; asked of a demo model, which knows some answers."""
    asked = questions("addition", 40)
    right = [one["choices"][one["answer"]] for one in asked]
    texts = [one["question"] + answer + "\n" for one, answer in zip(asked, right, strict=True)]
    texts += ["".join(texts[:7]), "sort cab=abc"]  # the first is longer than the model's 64 tokens
    write_jsonl(folder / "lines.jsonl", [{"text": text} for text in texts])
    pairs = [{"prompt": one["question"], "answer": answer} for one, answer in zip(asked, right, strict=True)]
    write_jsonl(folder / "asked.jsonl", pairs)
    shots = ["".join(pair["prompt"] + pair["answer"] + "\n" for pair in pairs[i : i + i % 7]) for i in range(30)]
    tight = [one | {"prompt": before + one["prompt"]} for one, before in zip(pairs, shots, strict=False)]
    write_jsonl(folder / "tight.jsonl", tight)
    choices = [pair | {"choices": one["choices"]} for pair, one in zip(pairs, asked, strict=True)]
    write_jsonl(folder / "chosen.jsonl", choices)
    strip = [{"name": "s", "filter": [{"function": "regex", "regex_pattern": r"(\S*)"}, {"function": "take_first"}]}]
    theirs = {
        "lines": {"output_type": "loglikelihood_rolling", "doc_to_text": "", "doc_to_target": "text"}
        | {"metric_list": BITS},
        "asked": {"output_type": "generate_until", "doc_to_text": "{{prompt}}", "doc_to_target": "{{answer}}"}
        | {"generation_kwargs": {"until": ["\n"], "max_gen_toks": 4, "do_sample": False}}
        | {"filter_list": strip, "metric_list": EXACT},
        "tight": {"output_type": "generate_until", "doc_to_text": "{{prompt}}", "doc_to_target": "{{answer}}"}
        | {"generation_kwargs": {"until": ["\n"], "max_gen_toks": 5, "do_sample": False}}
        | {"filter_list": strip, "metric_list": EXACT},
        "chosen": {"output_type": "multiple_choice", "doc_to_text": "{{prompt}}", "doc_to_choice": "{{choices}}"}
        | {"doc_to_target": "{{choices.index(answer)}}", "metric_list": ACC},
    }
    found = {}
    for name, said in theirs.items():
        data = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(folder / f"{name}.jsonl")}}}
        config = {"task": name, "test_split": "test"} | data | said
        metric = config["metric_list"][0]["metric"]
        path, factor = str(folder / f"{name}.jsonl"), -1.0 if metric == "bits_per_byte" else 100.0
        found[name] = Case(path, config, name, Options(batch_size=8), "addition", metric, factor)
    return found


def chat_cases(folder: Path) -> dict[str, Case]:
    """Questions after two examples in a chat template, asked of a model that answers right if each is a turn."""
    asked = [{"prompt": prompt, "choices": [" be", " it"], "answer": 0} for prompt in TURNS["prompts"]]
    write_jsonl(folder / "in turns.jsonl", asked)
    answered = [{"prompt": prompt, "answer": "be"} for prompt in TURNS["prompts"]]
    write_jsonl(folder / "answered in turns.jsonl", answered)
    plain = {"doc_to_text": "{{prompt}}", "target_delimiter": ""}
    theirs = {
        "in turns": {"output_type": "multiple_choice", "doc_to_choice": "{{choices}}", "doc_to_target": "{{answer}}"}
        | {"metric_list": ACC},
        "answered in turns": {"output_type": "generate_until", "doc_to_target": "{{answer}}", "metric_list": EXACT}
        | {"generation_kwargs": {"until": ["\n"], "max_gen_toks": 3, "do_sample": False}},
    }
    options = Options(batch_size=4, num_fewshot=2, apply_chat_template=True)
    found = {}
    for name, said in theirs.items():
        file = str(folder / f"{name}.jsonl")
        data = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": file}}, "test_split": "test"}
        metric = said["metric_list"][0]["metric"]
        found[name] = Case(file, {"task": name} | data | plain | said, name, options, "turns", metric)
    return found


def _write(file: Path, said: dict[str, Any]) -> None:
    file.write_text(yaml.safe_dump(said))
