"""The CUDA kernel without a GPU: Triton's interpreter runs it, on tensors that torch keeps on the CPU."""

from __future__ import annotations

import os

import pytest
import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # read when the kernels are defined

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
