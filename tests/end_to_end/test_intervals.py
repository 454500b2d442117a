"""Intervals of a law, from the fitted constants to the response: the same by every file and backend."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.manifest import Manifest
from tests.app.factory import running
from training.__main__ import main
from training.export.manifest_fields import manifest_fields
from training.export.write import Export, write_model
from training.symbolic.candidate import Candidate, Feature
from training.symbolic.uncertainty import LawUncertainty, law_uncertainty

ROWS = np.random.default_rng(0).uniform(1, 5, (200, 2))


def decay() -> Candidate:
    """``2 * b * exp(-0.3 * a)``."""
    inner = Candidate(np.array([[1.0, 0]]), np.array([[-1.0, 1]]), np.array([-0.3]), np.zeros(1, int), np.ones(1))
    signs = np.array([[1.0, -1, -1]])
    feature = Feature("exp", (inner,))
    return Candidate(np.array([[0.0, 1, 1]]), signs, np.array([2.0]), np.zeros(1, int), np.ones(1), (feature,))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, LawUncertainty]:
    law, root = decay(), tmp_path_factory.mktemp("repository")
    target = law.predict(ROWS) + 0.01 * np.random.default_rng(1).normal(size=200)
    found = law_uncertainty(law, ROWS, target, ["a", "b"])
    assert found is not None
    network, training = law.network(), {"ranges": [(1, 5)] * 2, "rows": 200, "seed": 0, "command": "", "data": ""}
    fields = manifest_fields(
        network,
        ["a", "b"],
        "y",
        reason=None,
        formula="2 * b * exp(-0.3 * a)",
        latex=None,
        training=training,
        metrics={},
        uncertainty=found.fields,
    )
    write_model(
        Export(network, {"interpolation": ROWS, "extrapolation": 2 * ROWS}, fields, found.spread), root, "decay"
    )
    return root, found


def served(root: Path, backend: str, **more: Any) -> Any:
    body = {"model": "decay", "inputs": (2 * ROWS[:20]).tolist(), "intervals": True} | more
    with running(root, backend=backend) as client:
        response = client.post("/predict/arithmetic", json=body)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.slow
def test_both_backends_serve_the_intervals_of_the_network_and_a_new_export_keeps_them(
    written: tuple[Path, LawUncertainty],
) -> None:
    root, found = written
    with torch.no_grad():
        fitted, noise, error = found.spread(torch.from_numpy(2 * ROWS[:20])).numpy().T
    quantiles = found.fields.levels["0.95"]
    half = np.sqrt((quantiles.noise * noise) ** 2 + (quantiles.constants * error) ** 2)
    predicted = decay().predict(2 * ROWS[:20])
    expected = [np.minimum(fitted - half, predicted), np.maximum(fitted + half, predicted)]
    for backend in ("onnx", "torchscript"):
        np.testing.assert_allclose(np.transpose(served(root, backend)["intervals"]), expected, rtol=1e-12)
    main(["export", "decay", "--repository", str(root)])
    old, new = (Manifest.read(root / "decay" / number) for number in ("1", "2"))
    assert new.uncertainty == old.uncertainty
    assert sorted(new.files) == sorted(old.files)
    assert "intervals.safetensors" in new.files
    np.testing.assert_allclose(np.transpose(served(root, "onnx", version=2)["intervals"]), expected, rtol=1e-12)
    assert json.loads((root / "decay" / "2" / "manifest.json").read_text())["uncertainty"]["noise"] == "constant"
