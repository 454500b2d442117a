"""What all tests share."""

import gc
import os
import sys
from functools import cache

import pytest

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before any test imports ONNX Runtime itself

# Bytecode is written in any case: no process that a test starts compiles our code again, and no run rewrites asserts.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> None:
    """The machine's own NALU_ variables are no part of any test."""
    for name in [name for name in os.environ if name.startswith("NALU_")]:
        del os.environ[name]


gc.disable()  # what is imported and collected lives on


def pytest_collection_finish() -> None:
    """Before the first test: all that there is by now is not searched for garbage again."""
    gc.freeze()
    gc.enable()


def pytest_runtest_setup() -> None:
    """Before each test: one that may export shares PyTorch's table of ONNX operators with those before it."""
    if "training.export.write" in sys.modules:
        _read_onnx_operators_once()


@cache
def _read_onnx_operators_once() -> None:
    """Keep the operator table of ``torch.onnx.export``, which it makes from source code anew in half of its time."""
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    ONNXRegistry.from_torchlib = staticmethod(cache(ONNXRegistry.from_torchlib))  # type: ignore[method-assign,assignment]
