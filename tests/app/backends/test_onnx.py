"""How ONNX Runtime's session is called: app.backends.onnx."""

from importlib import metadata
from typing import Any

import numpy as np
import pytest

from app.backends import onnx
from models.manifest import Manifest
from tests.app.factory import manifest_of, sum_onnx


def session() -> Any:
    return onnx.import_onnxruntime().InferenceSession(sum_onnx(1.0), providers=["CPUExecutionProvider"])


def test_onnxruntime_has_the_private_session_that_costs_less() -> None:
    assert hasattr(session(), onnx.PRIVATE_SESSION), (
        f"onnxruntime {metadata.version('onnxruntime')} has no InferenceSession.{onnx.PRIVATE_SESSION}; the service "
        "works without it and is slower: change PRIVATE_SESSION in app/backends/onnx.py."
    )


def test_without_the_private_session_and_on_cuda_the_public_one_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    public = session()
    assert onnx._run_method(public, "cuda") == public.run
    assert onnx._run_method(public, "cpu") != public.run
    monkeypatch.setattr(onnx, "PRIVATE_SESSION", "gone")
    assert onnx._run_method(public, "cpu") == public.run
    predict = onnx.OnnxBackend("cpu", 1).load(sum_onnx(1.0), Manifest.model_validate(manifest_of("sum", 1)))
    assert predict(np.array([[3.0, 4.0]])).tolist() == [[7.0]]
