from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.law import Law
from models.law_spread import LawSpread, law_spread
from training.export.checkpoint import load_checkpoint, save_checkpoint
from training.export.network_files import file_names, predictors, write_files

DECAY = {"function": "exp", "arguments": [{"in_features": 2, "terms": 1, "sums": 1}]}


def decay(scale: float, rate: float, offset: float) -> Law:
    """``(scale * b * exp(rate * a) + offset) ** 2``."""
    law = Law(2, 2, 1, [DECAY])
    inner: Any = law.features[0].arguments
    with torch.no_grad():
        law.W.copy_(torch.tensor([[0.0, 1, 1], [0, 0, 0]]))
        law.C.copy_(torch.tensor([[scale, offset]], dtype=torch.float64))
        law.V.fill_(2.0)
        inner[0].W.copy_(torch.tensor([[1.0, 0]]))
        inner[0].C.fill_(rate)
        inner[0].negative.copy_(torch.tensor([[-1.0, 1]]))
        law.negative.copy_(torch.tensor([[1.0, -1, 1], [1, 1, 1]]))
    return law.eval()


def made(noise: tuple[float, float, float] = (0.0, 0.1, 1e-3)) -> LawSpread:
    """Of the columns 1 and 3 of four: scale and rate are uncertain."""
    constants = [(2, -0.5, 1), (2.1, -0.5, 1), (2, -0.48, 1), (1.9, -0.5, 1), (2, -0.52, 1)]
    return law_spread(4, [1, 3], [decay(*each) for each in constants], noise)


ROWS = np.random.default_rng(0).uniform(-3, 3, (50, 4))


def says(network: LawSpread, rows: np.ndarray = ROWS) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(network(torch.from_numpy(rows)))


def test_it_gives_the_law_its_noise_and_its_standard_error() -> None:
    a, b = ROWS[:, 1], ROWS[:, 3]

    def law(scale: float, rate: float) -> Any:
        return (scale * b * np.exp(rate * a) + 1) ** 2

    fitted, noise, error = says(made()).T
    np.testing.assert_allclose(fitted, law(2, -0.5), rtol=1e-13)
    np.testing.assert_allclose(noise, 0.1 * np.maximum(fitted, 1e-3), rtol=1e-13)
    by_scale, by_rate = law(2.1, -0.5) - law(1.9, -0.5), law(2, -0.48) - law(2, -0.52)
    np.testing.assert_allclose(error, np.hypot(by_scale, by_rate) / 2, rtol=1e-9)


def test_noise_of_one_size_is_the_least_noise() -> None:
    fitted, noise, _ = says(made((0.5, 0.1, 0.0))).T
    np.testing.assert_allclose(noise, np.maximum(0.5, 0.1 * fitted), rtol=1e-14)


def test_without_uncertain_constants_the_standard_error_is_0() -> None:
    spread = law_spread(4, [1, 3], [decay(2, -0.5, 1)], (0.0, 0.0, 0.0))
    assert says(spread)[:, 1:].tolist() == [[0.0, 0.0]] * 50


@pytest.mark.slow
def test_files_and_checkpoint_compute_what_the_network_does(tmp_path: Path) -> None:
    spread = made().requires_grad_(requires_grad=False)
    write_files(spread, torch.from_numpy(ROWS[:2]), tmp_path)
    assert file_names(spread) == ("intervals.onnx", "intervals.pt", "intervals.safetensors")
    for predict in predictors(tmp_path, file_names(spread)).values():
        for rows in (ROWS, ROWS[:1]):
            computed = predict(rows)
            assert computed.dtype == np.float64
            np.testing.assert_allclose(computed, says(spread, rows), rtol=1e-12)
    save_checkpoint(spread, tmp_path / "again.safetensors")
    again = load_checkpoint(tmp_path / "again.safetensors")
    assert isinstance(again, LawSpread)
    np.testing.assert_array_equal(says(again), says(spread))
