"""Which device does the arithmetic. Asking the CUDA driver itself spares the start the import of torch."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Literal

from kinship.errors import DeviceError
from kinship.similarity.kernel import CpuKernel, Kernel

__all__ = ["Device", "gpu_names", "kernel_for", "resolve_device"]

Device = Literal["auto", "cpu", "cuda"]


@cache
def gpu_names() -> tuple[str, ...]:
    """Return the names of the CUDA devices that the driver sees; empty without a driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return ()
    count = ctypes.c_int()
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return ()
    names = []
    for index in range(count.value):
        name = ctypes.create_string_buffer(256)
        if driver.cuDeviceGetName(name, 256, index) == 0:
            names.append(name.value.decode(errors="replace"))
    return tuple(names)


def resolve_device(device: Device) -> Literal["cpu", "cuda"]:
    """Return where the work will be done.

    Raises
    ------
    DeviceError
        CUDA was asked for and there is none, or torch was built without it.
    """
    if device == "cpu" or (device == "auto" and not gpu_names()):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "auto":
        return "cpu"
    why = "this torch was built without CUDA" if gpu_names() else "no CUDA device was found"
    raise DeviceError(f"{why}; use --device cpu, or install torch with CUDA")


@cache
def _cuda_kernel() -> Kernel:
    """Return one kernel for all passes: its buffers take a moment to pin."""
    from kinship.similarity.cuda import CudaKernel

    return CudaKernel([f"cuda:{index}" for index in range(len(gpu_names()))])


def kernel_for(place: Literal["cpu", "cuda"], threads: int | None = None) -> Kernel:
    """Return the kernel of a device, ready to run; on the CPU it is compiled here, or loaded from Numba's cache."""
    return _cuda_kernel() if place == "cuda" else CpuKernel(threads)
