"""Which device is picked, on machines with and without a GPU, and with and without a torch that can use it."""

import sys
from types import SimpleNamespace

import pytest

from kinship.errors import DeviceError
from kinship.similarity import device


def _machine(monkeypatch, gpus: tuple[str, ...], usable: bool) -> None:
    monkeypatch.setattr(device, "gpu_names", lambda: gpus)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: usable)))


@pytest.mark.parametrize(
    ("asked", "gpus", "usable", "place"),
    [
        ("cpu", ("H200",), True, "cpu"),
        ("auto", (), False, "cpu"),
        ("auto", ("H200",), False, "cpu"),
        ("auto", ("H200",), True, "cuda"),
        ("cuda", ("H200",), True, "cuda"),
    ],
)
def test_the_device_is_picked(monkeypatch, asked, gpus, usable, place):
    _machine(monkeypatch, gpus, usable)
    assert device.resolve_device(asked) == place


@pytest.mark.parametrize(
    ("gpus", "why"), [((), "no CUDA device was found"), (("H200",), "this torch was built without CUDA")]
)
def test_cuda_that_is_not_there_is_refused(monkeypatch, gpus, why):
    _machine(monkeypatch, gpus, usable=False)
    with pytest.raises(DeviceError, match=f"^{why}; use --device cpu, or install torch with CUDA$") as caught:
        device.resolve_device("cuda")
    assert caught.value.exit_code == 2


def test_without_a_gpu_torch_is_not_imported(monkeypatch):
    monkeypatch.setattr(device, "gpu_names", tuple)
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it would fail
    assert device.resolve_device("auto") == "cpu"


def test_a_machine_without_a_driver_has_no_gpus(monkeypatch):
    def no_driver(name):
        raise OSError(name)

    device.gpu_names.cache_clear()
    monkeypatch.setattr(device.ctypes, "CDLL", no_driver)
    assert device.gpu_names() == ()
    device.gpu_names.cache_clear()
