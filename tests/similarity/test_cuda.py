"""The arithmetic of the CUDA kernel, run by torch on the CPU; on a machine with a GPU, also there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kinship.similarity.cpu import block_products
from kinship.similarity.cuda import CudaKernel
from kinship.similarity.reader import Reader
from tests.families import llama, pack, tuned
from tests.similarity.test_gram import family, near_duplicates

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtypes", ["F64", "F32", "BF16", "F16", ["BF16", "F64", "F32", "F16"]], ids=str)
def test_the_same_products_as_on_the_cpu(tmp_path, device, dtypes):
    base = llama(0, hidden=70)
    alignment, _ = family(tmp_path, [base, *(tuned(base, i) for i in range(3))], dtypes)
    kernel = CudaKernel(device)
    for aligned in alignment.tensors:
        tensor = Reader(3000).tensor(aligned)
        for number in range(tensor.blocks):
            expected, got = (multiply(tensor.block(number), 0) for multiply in (block_products, kernel))
            scale = np.sqrt(np.outer(np.diagonal(expected[0]), np.diagonal(expected[0])))
            assert (np.abs(got[0] - expected[0]) / scale).max() < 1e-12
            assert got[2] == pytest.approx(expected[2], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("device", DEVICES)
def test_float8_with_scales(tmp_path, device):
    from kinship.checkpoints import align, open_checkpoint
    from tests.families import save

    rng = np.random.default_rng(0)
    base = save(tmp_path / "base.safetensors", {"a.weight": rng.normal(size=(300, 200))})
    stored = {"a.weight": pack(rng.normal(size=(300, 200)), "F8_E4M3"), "a.weight_scale_inv": rng.uniform(1, 2, (3, 2))}
    member = open_checkpoint(save(tmp_path / "q.safetensors", stored))
    block = Reader(7000).tensor(align(open_checkpoint(base), [member]).tensors[0]).block(2)
    assert CudaKernel(device)(block)[0] == pytest.approx(block_products(block)[0], rel=1e-9)


@pytest.mark.parametrize("device", DEVICES)
def test_equal_content_gets_equal_entries(tmp_path, device):
    alignment, _ = near_duplicates(tmp_path, size=20_000)
    for aligned in alignment.tensors:
        gram = CudaKernel(device)(Reader(1 << 20).tensor(aligned).block(0))[0]
        assert gram[1, 1] == gram[1, 4] == gram[4, 4]


@pytest.mark.parametrize("device", DEVICES)
def test_only_new_rows_are_asked_for(tmp_path, device):
    base = llama(0)
    alignment, _ = family(tmp_path, [base, *(tuned(base, i) for i in range(4))])
    block = Reader(1 << 20).tensor(alignment.tensors[0]).block(0)
    part, whole = CudaKernel(device)(block, 3)[0], CudaKernel(device)(block)[0]
    assert np.array_equal(part[3:], whole[3:])
    assert not part[1:3, 1:3].any()
