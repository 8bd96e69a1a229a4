"""The CUDA kernel without a GPU: Triton's interpreter (see the first conftest) runs it, on tensors of the CPU."""

from __future__ import annotations

import pytest
import torch

from kinship.similarity import cuda

DEVICES = ["cuda:0"] if torch.cuda.is_available() else ["cpu"]


@pytest.fixture
def cuda_kernel(monkeypatch):
    """A CudaKernel of few slots; the interpreter takes a whole tile in one step, since it is slow in each."""
    if not torch.cuda.is_available():
        monkeypatch.setattr(cuda, "LANES", cuda.TILE)
    kernel = cuda.CudaKernel(DEVICES)
    kernel.threads, kernel.begun, kernel.started = 2, 2, 1
    return kernel
