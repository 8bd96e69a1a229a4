"""Which files of a folder are the model.

A folder may hold several sets of weights. The order is that of transformers: model.safetensors, its shards,
pytorch_model.bin, its shards; then whatever other weight files there are; then the `consolidated` files of a model's
makers, which are the same weights under other names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kinship.checkpoints.config import read_json
from kinship.checkpoints.torch_file import TORCH_SUFFIXES
from kinship.errors import CheckpointError
from kinship.paths import is_there

__all__ = ["NOT_MODELS", "Chosen", "FileSet", "choose_files", "is_adapter", "weight_files"]

NOT_MODELS = (
    "optimizer", "scheduler", "training_args", "rng_state", "trainer_state", "random_states", "scaler", "sampler"
)  # fmt: skip
_ADAPTER_FILES = ("adapter_model.safetensors", "adapter_model.bin")
_CONSOLIDATED = "consolidated"
_NOT_WEIGHTS = (*NOT_MODELS, "adapter_model", _CONSOLIDATED)
_WHOLE = ("model.safetensors", "pytorch_model.bin")
_SLICE = re.compile(r"(consolidated\.|mp_rank_)(\d{2,})(?!\d)")
_OTHER_FORMATS = {
    ".gguf": ("GGUF files are not supported", "give the safetensors checkpoint it was made from"),
    ".distcp": (
        "distributed checkpoints (.distcp) are not read",
        "put it together with python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE.pt",
    ),
    ".msgpack": ("Flax weights are not read", "load them with transformers (from_flax) and save them as safetensors"),
    ".h5": ("TensorFlow weights are not read", "load them with transformers (from_tf) and save them as safetensors"),
    ".onnx": ("ONNX graphs are not read", "give the checkpoint it was exported from"),
    ".npz": ("NumPy archives are not read", "save the weights as safetensors"),
}


@dataclass(frozen=True)
class FileSet:
    """Files that are one whole set of weights, and the index that lists them, where there is one."""

    files: tuple[Path, ...]
    index: Path | None = None

    @property
    def name(self) -> str:
        """What to call it in a message."""
        if self.index is not None:
            return f"the shards of {self.index.name}"
        first, more = self.files[0].name, len(self.files) - 1
        return f"{first} with {more} more" if more else first


class Chosen(NamedTuple):
    """The files to read, whether they are an adapter's, other whole sets beside them, and what else to say."""

    read: FileSet
    adapter: bool = False
    rivals: tuple[FileSet, ...] = ()
    notes: tuple[str, ...] = ()


def weight_files(path: Path) -> list[Path]:
    """Return the weight files of a checkpoint, sorted by name; raises as `choose_files` does."""
    return list(choose_files(path).read.files)


def is_adapter(path: Path) -> bool:
    """Tell whether the folder is an adapter: it says so and holds no whole model."""
    return path.is_dir() and (path / "adapter_config.json").is_file() and choose_files(path).adapter


def choose_files(path: Path) -> Chosen:
    """Return which files of a folder, or which lone file, are the model.

    Raises
    ------
    CheckpointError
        The path is missing, may not be read, or holds no weights that can be compared.
    """
    try:
        if path.is_file():
            return Chosen(FileSet((_whole_file(path),)))
        if not path.is_dir():
            raise CheckpointError(path, "there is no such file or folder", "check the path")
        inside = sorted(p for p in path.iterdir() if not p.name.startswith("."))
    except OSError as error:
        raise CheckpointError(path, f"cannot be read ({error.strerror})", "mend its permissions") from None
    sets = _named_sets(path, inside)
    if path / "adapter_config.json" in inside:
        adapter = next((p for p in inside if p.name in _ADAPTER_FILES), None)
        if sets:
            return _choose(sets, _left_over(sets[0], adapter))
        return Chosen(FileSet((adapter,)), adapter=True) if adapter else _none(path, inside)
    sets = sets or _other_sets(inside)
    return _choose(sets, ()) if sets else _none(path, inside)


def _left_over(read: FileSet, adapter: Path | None) -> tuple[str, ...]:
    if adapter is None:
        return (f"adapter_config.json is left over, since there is no adapter beside it: {read.name} was read",)
    mend = "for base + adapter, move the adapter into a folder of its own"
    return (f"{read.name} was read, a whole model; {adapter.name} beside it was not ({mend})",)


def _choose(sets: list[FileSet], notes: tuple[str, ...]) -> Chosen:
    first = sets[0]
    if first.index is not None:
        first = FileSet(_whole_shards(first), first.index)
    return Chosen(first, False, tuple(sets[1:]), notes)


def _named_sets(folder: Path, inside: list[Path]) -> list[FileSet]:
    """Return the sets under the names that transformers looks for, in its order; the later ones may lack shards."""
    sets = []
    for name in _WHOLE:
        index = folder / f"{name}.index.json"
        if folder / name in inside:
            sets.append(FileSet((folder / name,)))
        if index in inside:
            sets.append(FileSet(_listed_or_none(index) if sets else _listed(index), index))
    return sets


def _other_sets(inside: list[Path]) -> list[FileSet]:
    """Return weight files under other names; where there are none, what a model's makers call consolidated."""
    weights = [p for p in inside if not p.name.startswith(_NOT_WEIGHTS)]
    sets = [tuple(p for p in weights if p.suffix in kind) for kind in ((".safetensors",), TORCH_SUFFIXES)]
    found = [FileSet(files) for files in sets if files]
    if found:
        return [FileSet(tuple(map(_whole_file, found[0].files))), *found[1:]]
    makers = [p for p in inside if p.name.startswith(_CONSOLIDATED)]
    index = next((p for p in makers if p.name == "consolidated.safetensors.index.json"), None)
    whole = [p for p in makers if p.name == "consolidated.safetensors"]
    if index is not None and not whole:
        return [FileSet(_listed(index), index)]
    for kind in ((".safetensors",), TORCH_SUFFIXES):
        files = whole or [p for p in makers if p.suffix in kind]
        if files:
            return [FileSet(tuple(_whole_file(p) for p in files))]
    return []


def _whole_file(file: Path) -> Path:
    """Return the file; refuse what is no weight file, and a slice of a model."""
    if file.suffix in _OTHER_FORMATS:
        raise CheckpointError(file, *_OTHER_FORMATS[file.suffix])
    if file.suffix not in (".safetensors", *TORCH_SUFFIXES):
        raise CheckpointError(file, "this is not a weight file", "give a .safetensors, .bin or .pth file")
    if "zero_pp_rank_" in file.name:
        mend = "gather the weights: python zero_to_fp32.py FOLDER OUT, which DeepSpeed leaves beside them"
        raise CheckpointError(file, "this is one part of a DeepSpeed run's partitioned states", mend)
    found = _SLICE.search(file.name)
    if found is not None:
        before, after = file.name[: found.start(2)], file.name[found.end(2) :]
        of = [p for p in file.parent.iterdir() if re.fullmatch(rf"{re.escape(before)}\d+{re.escape(after)}", p.name)]
        if len(of) > 1 or int(found[2]) > 0:
            problem = f"this is one of {len(of)} slices of a model that was cut for tensor parallelism"
            mend = "put them together first (for Llama, transformers' convert_llama_weights_to_hf.py), then give that"
            raise CheckpointError(file, problem if len(of) > 1 else "this is a slice of a model", mend)
    return file


def _none(path: Path, inside: list[Path]) -> Chosen:
    for file in inside:
        if file.suffix in _OTHER_FORMATS:
            _whole_file(file)
    if any(file.name == "zero_to_fp32.py" for file in inside):
        problem = "it holds DeepSpeed's partitioned weights alone"
        raise CheckpointError(path, problem, f"gather them: python {path / 'zero_to_fp32.py'} {path} OUT")
    raise CheckpointError(path, "the folder holds no weights", "give a folder with .safetensors, .bin or .pth files")


def _listed(index: Path) -> tuple[Path, ...]:
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(index, "it has no weight_map", "download or copy the file again")
    return tuple(sorted({index.parent / Path(str(name)).name for name in weight_map.values()}))


def _listed_or_none(index: Path) -> tuple[Path, ...]:
    try:
        return _listed(index)
    except CheckpointError:  # of a set that is not read
        return ()


def _whole_shards(shards: FileSet) -> tuple[Path, ...]:
    for file in shards.files:
        if not is_there(file):
            told = shards.index.name if shards.index else "the index"
            raise CheckpointError(file, "this shard is missing", f"download it again; {told} lists it")
    return shards.files
