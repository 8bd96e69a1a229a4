"""Open a checkpoint by its headers: a Hugging Face folder, a lone weight file, or a LoRA adapter folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from kinship.checkpoints.adapter import read_adapter
from kinship.checkpoints.checkpoint import Adapter, Checkpoint
from kinship.checkpoints.config import config_of_tensors, read_config, read_json, read_licence, refuse_quantised
from kinship.checkpoints.empty import refuse_empty
from kinship.checkpoints.header import ITEM_BYTES, Header, Tensor, read_header
from kinship.checkpoints.hub import cached_folder
from kinship.checkpoints.replicate import replicated
from kinship.checkpoints.ties import tied_names
from kinship.checkpoints.torch_file import TORCH_SUFFIXES, read_torch_file
from kinship.errors import CheckpointError

__all__ = ["NOT_MODELS", "default_name", "needs_torch", "open_checkpoint", "weight_files"]

NOT_MODELS = ("optimizer", "scheduler", "training_args", "rng_state", "trainer_state")
_SAMPLE_BYTES = 512
_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
_ADAPTER_FILES = ("adapter_model.safetensors", "adapter_model.bin")
_NOT_WEIGHTS = (*NOT_MODELS, "adapter_model", "consolidated")


def open_checkpoint(path: Path | str) -> Checkpoint:
    """Return what the headers at `path` say; of weights only blocks of matrices that may be copies are read.

    Parameters
    ----------
    path : Path or str
        A folder in Hugging Face layout, an adapter folder, or a .safetensors, .bin or .pth file. The last two
        need torch (`needs_torch`).

    Raises
    ------
    CheckpointError
        Nothing there can be read as a checkpoint; the message names the file and what to do.
    """
    path = Path(path).expanduser().absolute()
    files = weight_files(path)
    headers = {file: _header(file) for file in files}
    tensors: dict[str, Tensor] = {}
    for file, header in headers.items():
        twice = tensors.keys() & header.tensors.keys()
        if twice:
            problem = f"tensor {min(twice)} is also in {tensors[min(twice)].file.name}"
            raise CheckpointError(file, problem, "keep one set of weight files in the folder")
        tensors.update(header.tensors)
    _check_index(path, tensors)
    refuse_empty(path, tensors)
    folder = path if path.is_dir() else path.parent
    adapter, low_rank_files = None, tuple(files)
    if path.is_dir() and (path / "adapter_config.json").is_file():
        adapter, tensors = read_adapter(path, read_json(path / "adapter_config.json"), tensors)
        adapter = _with_base(path, adapter)
    config = (read_config(path) if path.is_dir() else None) or config_of_tensors(tensors)
    refuse_quantised(path, tensors)
    if not tensors and adapter is None:
        raise CheckpointError(path, "it holds no tensors", "give a folder or file with weights")
    _refuse_unscaled(path, tensors)
    return Checkpoint(
        name=default_name(path),
        path=path,
        config=adapter.base.config if adapter and adapter.base else config,
        tensors=tensors,
        files=low_rank_files,
        size=sum(file.stat().st_size for file in files),
        fingerprint=_fingerprint(path, headers, adapter),
        licence=read_licence(folder) if path.is_dir() else None,
        adapter=adapter,
        ties=tied_names(tensors),
    )


def needs_torch(path: Path | str) -> bool:
    """Tell whether opening this checkpoint imports torch."""
    return any(file.suffix in TORCH_SUFFIXES for file in weight_files(Path(path).expanduser()))


def default_name(path: Path) -> str:
    """Return the folder's or file's name; a snapshot in the Hub's cache is named after its repository."""
    if path.parent.name == "snapshots" and path.parent.parent.name.startswith("models--"):
        return path.parent.parent.name.rpartition("--")[2]
    return path.stem if path.suffix in (*TORCH_SUFFIXES, ".safetensors") and not path.is_dir() else path.name


def weight_files(path: Path) -> list[Path]:
    """Return the weight files of a checkpoint, sorted by name.

    Raises
    ------
    CheckpointError
        The path is missing, may not be read, or holds no weights that can be compared.
    """
    try:
        if path.is_file():
            return [_known_suffix(path)]
        if not path.is_dir():
            raise CheckpointError(path, "there is no such file or folder", "check the path")
        inside = sorted(p for p in path.iterdir() if not p.name.startswith("."))
    except OSError as error:
        raise CheckpointError(path, f"cannot be read ({error.strerror})", "mend its permissions") from None
    if (path / "adapter_config.json") in inside:
        found = [p for p in inside if p.name in _ADAPTER_FILES]
        return found[:1] if found else _none(path, inside)
    for index in _INDEXES:
        if (path / index) in inside:
            return _indexed(path / index)
    weights = [p for p in inside if not p.name.startswith(_NOT_WEIGHTS)]
    for suffixes, whole in (((".safetensors",), "model.safetensors"), (TORCH_SUFFIXES, "pytorch_model.bin")):
        found = [p for p in weights if p.suffix in suffixes]
        if found:
            return [path / whole] if (path / whole) in found else found
    return _none(path, inside)


def _known_suffix(file: Path) -> Path:
    if file.suffix == ".gguf":
        problem, mend = "GGUF files are not supported", "give the safetensors checkpoint it was made from"
        raise CheckpointError(file, problem, mend)
    if file.suffix not in (".safetensors", *TORCH_SUFFIXES):
        raise CheckpointError(file, "this is not a weight file", "give a .safetensors, .bin or .pth file")
    return file


def _none(path: Path, inside: list[Path]) -> list[Path]:
    gguf = next((p for p in inside if p.suffix == ".gguf"), None)
    if gguf is not None:
        return [_known_suffix(gguf)]
    raise CheckpointError(path, "the folder holds no weights", "give a folder with .safetensors, .bin or .pth files")


def _indexed(index: Path) -> list[Path]:
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(index, "it has no weight_map", "download or copy the file again")
    files = sorted({index.parent / Path(str(name)).name for name in weight_map.values()})
    for file in files:
        if not file.exists():
            raise CheckpointError(file, "this shard is missing", f"download it again; {index.name} lists it")
    return files


def _check_index(path: Path, tensors: Mapping[str, Tensor]) -> None:
    index = next((path / name for name in _INDEXES if path.is_dir() and (path / name).is_file()), None)
    if index is None:
        return
    missing = sorted(read_json(index)["weight_map"].keys() - tensors.keys())
    if missing:
        raise CheckpointError(index, f"it lists {missing[0]}, which no shard holds", "download the shards again")


def _header(file: Path) -> Header:
    return read_header(file) if file.suffix == ".safetensors" else read_torch_file(file)


def _with_base(folder: Path, adapter: Adapter) -> Adapter:
    """Open the base that an adapter names, where it is on this machine: as a folder, or in the Hub's cache.

    One that cannot be read (packed for training, half deleted) does not keep the adapter from being used on another.
    """
    declared = adapter.declared_base
    places = [Path(declared).expanduser(), folder / declared] if declared else []
    found = next((one for one in places if _is_folder(one) and one.resolve() != folder.resolve()), None)
    place = found or cached_folder(declared)
    if place is None:
        return adapter
    try:
        chained = weight_files(place)[0].name in _ADAPTER_FILES
        base = None if chained else open_checkpoint(place)
    except CheckpointError as error:
        return replace(adapter, fault=error.problem)
    if base is None:
        raise CheckpointError(folder, "its base is an adapter itself", "merge that one into its base first")
    return replace(adapter, base=replicated(base, adapter.replication) if adapter.replication else base)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # what may not be looked at is not there
        return False


def _refuse_unscaled(path: Path, tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if tensor.dtype not in ("F8_E4M3", "F8_E5M2"):
            continue
        scale = tensors.get(f"{name}_scale_inv") or tensors.get(f"{name}_scale")
        if scale is None or scale.dtype not in ITEM_BYTES:
            lacks = "no scale" if scale is None else f"a scale that is not a float ({scale.dtype.lower()})"
            problem = f"float8 tensor {name} has {lacks} ({name}_scale or {name}_scale_inv)"
            raise CheckpointError(path, problem, "give the checkpoint it was quantised from")


def _sample(file: Path, header: Header) -> bytes:
    """Return a block out of the midst of every tensor: a fine-tune may have changed a few of them only."""
    with file.open("rb") as handle:
        blocks = []
        for tensor in header.tensors.values():
            handle.seek(tensor.offset + tensor.elements // 2)
            blocks.append(handle.read(_SAMPLE_BYTES))
    return b"".join(blocks)


def _fingerprint(path: Path, headers: Mapping[Path, Header], adapter: Adapter | None) -> str:
    digest = hashlib.sha256()
    for file, header in headers.items():
        stat = file.stat()
        digest.update(f"{file.name}\0{header.digest}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
        if stat.st_mtime_ns % 1_000_000_000 == 0:  # an archive's time: fine-tunes of one base may share it
            digest.update(_sample(file, header))
    for config in ("config.json", "adapter_config.json"):
        if path.is_dir() and (path / config).is_file():
            digest.update((path / config).read_bytes())
    if adapter is not None and adapter.base is not None:
        digest.update(adapter.base.fingerprint.encode())
    return digest.hexdigest()[:32]
