"""The safetensors header: what it says is read, what is wrong with it is named, no weight is touched."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.checkpoints import open_checkpoint
from kinship.checkpoints.header import read_header
from kinship.errors import CheckpointError
from tests.families import llama, open_to_all, pack, save, unprivileged


def _file(path: Path, header: object, data: int = 0) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(data))
    return path


def _entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"w": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}}


def _bytes_read() -> int:
    said = Path("/proc/self/io").read_text()
    return int(said.split("rchar: ")[1].split()[0])


def test_the_header_says_dtype_shape_and_place(tmp_path):
    family = {"a": pack(llama(0)["model.norm.weight"], "BF16"), "b": pack(llama(0)["lm_head.weight"], "F64")}
    file = save(tmp_path / "m.safetensors", family)
    tensors = read_header(file).tensors
    assert list(tensors) == ["a", "b"]
    for name, stored in family.items():
        tensor = tensors[name]
        assert (tensor.dtype, tensor.shape, tensor.file) == (stored.dtype, stored.shape, file)
        assert file.read_bytes()[tensor.offset :][: len(stored.data)] == stored.data


def test_the_digest_follows_the_header(tmp_path):
    one, same, other = (
        save(tmp_path / f"{i}.safetensors", t) for i, t in enumerate([llama(0), llama(1), llama(0, layers=1)])
    )
    assert read_header(one).digest == read_header(same).digest != read_header(other).digest


def test_other_names_of_a_tensor_as_safetensors_tells_them(tmp_path):
    """`safetensors.torch.save_model` keeps the first name by alphabet; the tensor goes by the usual one here."""
    import torch
    from safetensors.torch import save_model

    model = torch.nn.ModuleDict({"shared": torch.nn.Embedding(5, 3), "decoder": torch.nn.Embedding(5, 3)})
    model["decoder"].weight = model["shared"].weight
    save_model(model, str(tmp_path / "m.safetensors"))
    assert '"decoder.weight":{"dtype"' in (tmp_path / "m.safetensors").read_bytes()[8:].decode("latin1")
    found = open_checkpoint(tmp_path / "m.safetensors")
    assert (found.ties, found.parameters) == ({"decoder.weight": "shared.weight"}, 15)


FAULTS = {
    "empty": (b"", "empty"),
    "short": (b"abc", "not a safetensors file"),
    "text": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a Git LFS pointer.*git lfs pull"),
    "cut in its header": ((500).to_bytes(8, "little") + b'{"w": {"dty', "truncated in its header"),
}


@pytest.mark.parametrize(("content", "problem"), FAULTS.values(), ids=FAULTS)
def test_damaged_beginnings_are_named(tmp_path, content, problem):
    file = tmp_path / "m.safetensors"
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=problem) as caught:
        read_header(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


HEADERS = {
    "no JSON": b'{"w": {"dtype": "F32"',
    "a list": [1, 2],
    "no dtype": {"w": {"shape": [2], "data_offsets": [0, 8]}},
    "no offsets": {"w": {"dtype": "F32", "shape": [2]}},
    "three offsets": _entry(offsets=(0, 4, 8)),
    "offsets that are text": _entry(offsets=("0", "8")),
    "offsets that are fractions": _entry(offsets=(0.0, 8.0)),
    "offset below 0": _entry(offsets=(-8, 0)),
    "another size": _entry(shape=(3,)),
    "sides below 0": _entry(shape=(-1, -2)),
    "end before beginning": _entry(dtype="F4", offsets=(8, -1)),
    "deep": b"[" * 100_000,
    "bad UTF-8": b'{"\xff\xfe": 1}',
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_corrupt_header_is_refused(tmp_path, header):
    with pytest.raises(CheckpointError, match=r"corrupt.*; download or copy the file again"):
        read_header(_file(tmp_path / "m.safetensors", header, 8))


def test_a_file_cut_in_its_weights_names_the_tensor(tmp_path):
    file = save(tmp_path / "m.safetensors", llama(0))
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"truncated: tensor lm_head.weight ends at byte \d+ of \d+"):
        read_header(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="there is no such file"):
        read_header(tmp_path / "m.safetensors")


def test_a_file_that_may_not_be_read_is_named():
    with open_to_all() as folder:
        file = save(folder / "m.safetensors", llama(0))
        with unprivileged():
            assert read_header(file).tensors
        file.chmod(0)
        with unprivileged(), pytest.raises(CheckpointError, match=r"cannot be read \(Permission denied\); mend"):
            read_header(file)


def test_no_weight_is_read_of_a_file_of_100_gigabytes(tmp_path):
    size = 100 * 10**9
    file = _file(tmp_path / "m.safetensors", _entry("BF16", (size // 2,), (0, size)))
    with file.open("r+b") as handle:
        handle.truncate(file.stat().st_size + size)
    before = _bytes_read()
    assert read_header(file).tensors["w"].elements == size // 2
    assert _bytes_read() - before < 20_000


@given(st.binary(max_size=200), st.booleans())
def test_no_content_gets_past_the_error(tmp_path_factory, content, length):
    file = tmp_path_factory.getbasetemp() / "fuzz.safetensors"
    file.write_bytes((len(content).to_bytes(8, "little") if length else b"") + content)
    with suppress(CheckpointError):
        read_header(file)


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.floats() | st.text("BF163 ", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.fixed_dictionaries({}, optional={"dtype": _values, "shape": _values, "data_offsets": _values}))
def test_no_entry_gets_past_the_error(tmp_path_factory, entry):
    file = _file(tmp_path_factory.getbasetemp() / "entry.safetensors", {"w": entry}, 40)
    try:
        tensor = read_header(file).tensors["w"]
    except CheckpointError:
        return
    assert isinstance(tensor.dtype, str)
    assert all(isinstance(n, int) and n >= 0 for n in tensor.shape)
