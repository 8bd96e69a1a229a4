"""Open a checkpoint by its headers: a Hugging Face folder, a lone weight file, or a LoRA adapter folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from kinship.checkpoints.adapter import ignored_tensors, read_adapter
from kinship.checkpoints.checkpoint import Adapter, Checkpoint
from kinship.checkpoints.config import config_of_tensors, read_config, read_json, read_licence
from kinship.checkpoints.empty import refuse_empty
from kinship.checkpoints.files import choose_files, is_adapter, weight_files
from kinship.checkpoints.header import Header, Tensor, read_header
from kinship.checkpoints.hub import cached_folder
from kinship.checkpoints.packed import refuse_packed
from kinship.checkpoints.replicate import replicated
from kinship.checkpoints.rivals import rival_notes
from kinship.checkpoints.scales import cells_of
from kinship.checkpoints.stamps import file_stamp
from kinship.checkpoints.ties import tied_names
from kinship.checkpoints.torch_file import TORCH_SUFFIXES, read_torch_file
from kinship.checkpoints.unmerged import refuse_unmerged
from kinship.errors import CheckpointError
from kinship.paths import expanded, is_folder

__all__ = ["default_name", "needs_torch", "open_checkpoint"]

_SAMPLE_BYTES = 512


def open_checkpoint(path: Path | str) -> Checkpoint:
    """Return what the headers at `path` say; of weights only blocks of matrices that may be copies are read.

    Parameters
    ----------
    path : Path or str
        A folder in Hugging Face layout, an adapter folder, or a .safetensors, .bin, .pth, .pt or .ckpt file.
        Files of torch need torch (`needs_torch`).

    Raises
    ------
    CheckpointError
        Nothing there can be read as a checkpoint; the message names the file and what to do.

    Examples
    --------
    >>> from kinship.demo import demo_path
    >>> sorting = open_checkpoint(demo_path() / "sorting")
    >>> sorting.name, sorting.parameters, sorting.dtype
    ('sorting', 667264, 'bf16')
    """
    path = expanded(path).absolute()
    chosen = choose_files(path)
    config = read_config(path) if path.is_dir() and not chosen.adapter else None
    files = list(chosen.read.files)
    stamps = {file: file_stamp(file) for file in files}
    headers = {file: _header(file) for file in files}
    tensors: dict[str, Tensor] = {}
    for file, header in headers.items():
        twice = tensors.keys() & header.tensors.keys()
        if twice:
            problem = f"tensor {min(twice)} is also in {tensors[min(twice)].file.name}"
            raise CheckpointError(file, problem, "keep one set of weight files in the folder")
        tensors.update(header.tensors)
    _check_index(chosen.read.index, tensors)
    refuse_empty(path, tensors)
    adapter: Adapter | None = None
    ignored: tuple[str, ...] = ()
    if chosen.adapter:
        said = read_json(path / "adapter_config.json")
        ignored = ignored_tensors(said, tensors)
        adapter, tensors = read_adapter(path, said, tensors)
        adapter = _with_base(path, adapter)
    else:
        refuse_unmerged(path, tensors)
    config = config or config_of_tensors(tensors)
    refuse_packed(path, tensors, config.quantisation or "")
    if not tensors and not (adapter and adapter.low_rank):
        raise CheckpointError(path, "it holds no weights", "give a folder or file with weights")
    checkpoint = Checkpoint(
        name=default_name(path),
        path=path,
        config=adapter.base.config if adapter and adapter.base else config,
        tensors=tensors,
        files=tuple(files),
        size=sum(file.stat().st_size for file in files),
        fingerprint=_fingerprint(path, headers, adapter),
        licence=read_licence(path) if path.is_dir() else None,
        adapter=adapter,
        ties=tied_names(tensors),
        notes=(*chosen.notes, *rival_notes(chosen, headers), *_entries(headers), *ignored),
        stamps=stamps,
    )
    if checkpoint.scales.faults:
        raise CheckpointError(path, checkpoint.scales.faults[0], "give the checkpoint it was quantised from")
    notes = (*checkpoint.notes, *_guessed(checkpoint))
    return replace(checkpoint, fingerprint=_with_scales(checkpoint), notes=notes)


def needs_torch(path: Path | str) -> bool:
    """Tell whether opening this checkpoint imports torch."""
    return any(file.suffix in TORCH_SUFFIXES for file in weight_files(expanded(path)))


def default_name(path: Path) -> str:
    """Return the folder's or file's name; a snapshot in the Hub's cache is named after its repository."""
    if path.parent.name == "snapshots" and path.parent.parent.name.startswith("models--"):
        return path.parent.parent.name.rpartition("--")[2]
    return path.stem if path.suffix in (*TORCH_SUFFIXES, ".safetensors") and not path.is_dir() else path.name


def _check_index(index: Path | None, tensors: Mapping[str, Tensor]) -> None:
    missing = sorted(read_json(index)["weight_map"].keys() - tensors.keys()) if index else []
    if index and missing:
        raise CheckpointError(index, f"it lists {missing[0]}, which no shard holds", "download the shards again")


def _entries(headers: Mapping[Path, Header]) -> list[str]:
    return [f"{file.name}: {header.entry}" for file, header in headers.items() if header.entry]


def _header(file: Path) -> Header:
    return read_header(file) if file.suffix == ".safetensors" else read_torch_file(file)


def _with_base(folder: Path, adapter: Adapter) -> Adapter:
    """Open the base that an adapter names, where it is on this machine: as a folder, or in the Hub's cache.

    One that cannot be read (packed for training, half deleted) does not keep the adapter from being used on another.
    """
    declared = adapter.declared_base
    places = [expanded(declared), folder / declared] if declared else []
    found = next((one for one in places if is_folder(one) and one.resolve() != folder.resolve()), None)
    place = found or cached_folder(declared)
    if place is None:
        return adapter
    try:
        base = None if is_adapter(place) else open_checkpoint(place)
    except CheckpointError as error:
        return replace(adapter, fault=error.problem)
    if base is None:
        raise CheckpointError(folder, "its base is an adapter itself", "merge that one into its base first")
    return replace(adapter, base=replicated(base, adapter.replication) if adapter.replication else base)


def _with_scales(checkpoint: Checkpoint) -> str:
    """Return a fingerprint that also follows from how the scales are read, where more than the shapes says it."""
    tensors = checkpoint.tensors
    told = {
        name: scale.cells
        for name, scale in checkpoint.scales.of.items()
        if len(scale.cells) > 2 or scale.cells != cells_of(tensors[name].shape, scale.tensor.shape)
    }
    content = f"{checkpoint.fingerprint}{sorted(told.items())}"
    return hashlib.sha256(content.encode()).hexdigest()[:32] if told else checkpoint.fingerprint


def _guessed(checkpoint: Checkpoint) -> list[str]:
    guessed = checkpoint.scales.guessed
    if not guessed:
        return []
    more = f" ({len(guessed)} such)" if len(guessed) > 1 else ""
    return [f"{guessed[0]}{more} is taken for the scale of the float8 weight beside it, by its place and shape alone"]


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
