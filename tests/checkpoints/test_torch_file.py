"""State dicts of torch: read where they lie, never executed."""

import os
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from kinship.checkpoints import align, needs_torch, open_checkpoint
from kinship.checkpoints.torch_file import read_torch_file
from kinship.errors import CheckpointError
from kinship.similarity import gram_table
from kinship.similarity.reader import Reader, to_float64
from tests.families import llama, open_to_all, save, unprivileged


def _values(file: Path) -> dict[str, np.ndarray]:
    """What the pass will read at the places found, as float64."""
    raw, found = np.fromfile(file, dtype=np.uint8), {}
    for name, tensor in read_torch_file(file).tensors.items():
        size = tensor.elements * getattr(torch, DTYPES[tensor.dtype]).itemsize
        found[name] = to_float64(raw[tensor.offset :][:size].copy(), tensor.dtype).reshape(tensor.shape)
    return found


DTYPES = {
    "F64": "float64", "F32": "float32", "BF16": "bfloat16", "F16": "float16", "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_found_where_it_lies(tmp_path, dtype):
    whole = {name: torch.randn(5, 7).to(getattr(torch, DTYPES[dtype])) for name in ("a", "b")}
    torch.save(whole, tmp_path / "m.pth")
    for name, values in _values(tmp_path / "m.pth").items():
        assert np.array_equal(values, whole[name].double().numpy())


def test_views_of_one_storage(tmp_path):
    storage = torch.arange(24.0)
    whole = {"all": storage.view(4, 6), "part": storage[6:18].view(2, 6), "tied": storage.view(4, 6)}
    torch.save(whole, tmp_path / "m.bin")
    for name, values in _values(tmp_path / "m.bin").items():
        assert np.array_equal(values, whole[name].numpy())
    found = open_checkpoint(tmp_path / "m.bin")
    assert found.ties == {"tied": "all"}


@pytest.mark.parametrize("wrap", [dict, lambda s: {"epoch": 3, "state_dict": s}, torch.nn.ParameterDict])
def test_nested_and_dressed_state_dicts(tmp_path, wrap):
    wrapped = wrap({"w": torch.ones(2, 3)})
    torch.save(dict(wrapped) if isinstance(wrapped, torch.nn.Module) else wrapped, tmp_path / "m.pt")
    assert _values(tmp_path / "m.pt").keys() == {"w"}


def test_a_folder_and_a_lone_file(tmp_path):
    tensors = {name: torch.from_numpy(t).to(torch.bfloat16) for name, t in llama(0).items()}
    torch.save(tensors, tmp_path / "pytorch_model.bin")
    torch.save({"step": 1}, tmp_path / "optimizer.pt")
    folder, lone = open_checkpoint(tmp_path), open_checkpoint(tmp_path / "pytorch_model.bin")
    assert needs_torch(tmp_path)
    assert folder.tensors == lone.tensors
    assert (lone.name, folder.dtype, folder.config.layers) == ("pytorch_model", "bf16", 2)


def test_compared_with_safetensors_of_the_same_weights(tmp_path):
    torch.save({n: torch.from_numpy(t).float() for n, t in llama(0).items()}, tmp_path / "a.pth")
    save(tmp_path / "b.safetensors", llama(0))
    alignment = align(open_checkpoint(tmp_path / "a.pth"), [open_checkpoint(tmp_path / "b.safetensors")])
    assert len(alignment.tensors) == len(llama(0))
    for aligned in alignment.tensors:
        ours, theirs = Reader(1 << 20).tensor(aligned).block(0).raw
        assert np.array_equal(ours, theirs)


def test_no_weight_is_read(tmp_path):
    torch.save({f"w{i}": torch.zeros(1000, 1000) for i in range(5)}, tmp_path / "m.bin")

    def bytes_read() -> int:
        return int(Path("/proc/self/io").read_text().split("rchar: ")[1].split()[0])

    read_torch_file(tmp_path / "m.bin")
    before = bytes_read()
    assert len(read_torch_file(tmp_path / "m.bin").tensors) == 5
    assert bytes_read() - before < 200_000


class _Code:
    def __reduce__(self):
        return os.mkdir, (str(self.place),)

    def __init__(self, place: Path) -> None:
        self.place = place


def _refused(file: Path, problem: str) -> None:
    with pytest.raises(CheckpointError, match=problem) as caught:
        open_checkpoint(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_code_in_a_pickle_is_refused_and_not_run(tmp_path):
    torch.save({"w": torch.ones(2), "evil": _Code(tmp_path / "ran")}, tmp_path / "m.bin")
    _refused(tmp_path / "m.bin", "more than tensors.*; save it again as safetensors")
    assert not (tmp_path / "ran").exists()


def test_a_bare_pickle_is_refused_and_not_run(tmp_path):
    import pickle

    (tmp_path / "m.pth").write_bytes(pickle.dumps({"evil": _Code(tmp_path / "ran")}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of the protocol
        _refused(tmp_path / "m.pth", "more than tensors")
    assert not (tmp_path / "ran").exists()


def test_a_whole_model_is_refused(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "m.pth")
    _refused(tmp_path / "m.pth", "more than tensors")


def test_the_format_before_torch_1_6_is_refused(tmp_path):
    torch.save({"w": torch.ones(2)}, tmp_path / "m.pth", _use_new_zipfile_serialization=False)
    _refused(tmp_path / "m.pth", r"torch's format before 1\.6; save it again")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ([torch.ones(2)], "it holds no state dict"),
        ({"step": 1}, "it holds no tensors"),
        ({"w": torch.ones(2, 3).T}, "tensor w is a strided view"),
        ({"w": torch.eye(3).to_sparse()}, "sparse"),
    ],
)
def test_other_content_is_refused(tmp_path, content, problem):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(content, tmp_path / "m.bin")
        _refused(tmp_path / "m.bin", problem)


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[: len(b) // 2], lambda b: b"text" * 50])
def test_damaged_files_are_refused(tmp_path, damage):
    torch.save({"w": torch.ones(200)}, tmp_path / "m.bin")
    (tmp_path / "m.bin").write_bytes(damage((tmp_path / "m.bin").read_bytes()))
    _refused(tmp_path / "m.bin", "torch cannot open it as a state dict|or is damaged")


def test_an_archive_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.bin", "w") as archive:
        archive.writestr("x", "y")
    _refused(tmp_path / "m.bin", "torch cannot open it as a state dict")


def test_weights_beyond_the_end_of_the_file_are_refused(tmp_path):
    """An archive whose pickle promises more than its record holds."""
    torch.save({"w": torch.ones(5000)}, tmp_path / "whole.bin")
    with zipfile.ZipFile(tmp_path / "whole.bin") as whole, zipfile.ZipFile(tmp_path / "m.bin", "w") as cut:
        for name in whole.namelist():
            cut.writestr(name, whole.read(name)[:500])
    _refused(tmp_path / "m.bin", "the file is truncated in tensor w; download or copy the file again")


def test_a_file_that_may_not_be_read():
    with open_to_all() as folder:
        torch.save({"w": torch.ones(2)}, folder / "m.bin")
        (folder / "m.bin").chmod(0)
        with unprivileged():
            _refused(folder / "m.bin", r"cannot be read \(Permission denied\)")


def test_a_missing_file(tmp_path):
    with pytest.raises(CheckpointError, match="there is no such file"):
        read_torch_file(tmp_path / "m.bin")


# What training scripts save beside the weights


def test_a_scripts_settings_are_read_without_running_anything(tmp_path):
    """A namespace of arguments, a path, numbers of numpy: as the scripts of many projects save them."""
    import argparse

    said = argparse.Namespace(lr=1e-3, out=Path("out"), device=torch.device("cpu"))
    content = {"model": {"w": torch.ones(2, 3)}, "args": said, "loss": np.float64(3.0), "acc": np.float32(0.5)}
    torch.save(content, tmp_path / "m.ckpt")
    assert _values(tmp_path / "m.ckpt")["w"].tolist() == np.ones((2, 3)).tolist()
    found = open_checkpoint(tmp_path / "m.ckpt")
    assert (found.name, found.parameters) == ("m", 6)
    assert found.notes == ("m.ckpt: the weights are its entry 'model'",)


def test_numbers_of_an_older_numpy(tmp_path):
    torch.save({"model": {"w": torch.ones(2, 3)}, "loss": np.float64(3.0)}, tmp_path / "new.pt")
    with zipfile.ZipFile(tmp_path / "new.pt") as new, zipfile.ZipFile(tmp_path / "old.pt", "w") as old:
        for name in new.namelist():
            text = new.read(name)
            assert not name.endswith("data.pkl") or b"numpy._core" in text
            old.writestr(name, text.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"))
    assert _values(tmp_path / "old.pt").keys() == {"w"}


def test_an_optimizers_file_is_no_model_and_says_what_it_is(tmp_path):
    w = torch.nn.Parameter(torch.ones(2, 3))
    optimizer = torch.optim.AdamW([w])
    w.sum().backward()
    optimizer.step()
    torch.save({"optimizer": optimizer.state_dict(), "best": torch.tensor(1.5), "step": 3}, tmp_path / "m.pt")
    _refused(tmp_path / "m.pt", r"only optimizer \(an optimizer's state\), best \(a scalar\), step \(int\)")
    torch.save(optimizer.state_dict(), tmp_path / "m.pt")
    _refused(tmp_path / "m.pt", "no tensors that could be weights, only state")


def test_a_git_lfs_pointer_is_named(tmp_path):
    (tmp_path / "m.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n")
    _refused(tmp_path / "m.bin", "Git LFS pointer.*git lfs pull")


@pytest.mark.parametrize("kind", ["T5", "GPT2", "Bert", "Llama"])
def test_a_bin_of_transformers_is_the_same_model_as_its_safetensors(tmp_path, kind):
    """Tied embeddings are one storage under several names in the one, and stored once in the other."""
    import transformers as t

    made = {
        "T5": lambda: t.T5ForConditionalGeneration(
            t.T5Config(vocab_size=40, d_model=8, d_kv=4, d_ff=16, num_layers=1, num_heads=2)
        ),
        "GPT2": lambda: t.GPT2LMHeadModel(t.GPT2Config(vocab_size=40, n_positions=16, n_embd=8, n_layer=1, n_head=2)),
        "Bert": lambda: t.BertForMaskedLM(
            t.BertConfig(vocab_size=40, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
        ),
        "Llama": lambda: t.LlamaForCausalLM(
            t.LlamaConfig(vocab_size=40, hidden_size=8, intermediate_size=16, num_hidden_layers=1,
                          num_attention_heads=2, tie_word_embeddings=True)
        ),
    }[kind]  # fmt: skip
    model = made()
    model.save_pretrained(tmp_path / "st")
    (tmp_path / "bin").mkdir()
    torch.save(model.state_dict(), tmp_path / "bin" / "pytorch_model.bin")
    (tmp_path / "bin" / "config.json").write_bytes((tmp_path / "st" / "config.json").read_bytes())
    bare, stored = open_checkpoint(tmp_path / "bin"), open_checkpoint(tmp_path / "st")
    assert bare.parameters == stored.parameters == model.num_parameters()
    assert bare.weights.keys() - bare.ties.keys() == stored.weights.keys()
    for base, other in ((bare, stored), (stored, bare)):
        alignment = align(base, [other])
        assert alignment.parameters == model.num_parameters()
        table = gram_table(alignment)
        assert not table.gram[:, 1, 1].any()
