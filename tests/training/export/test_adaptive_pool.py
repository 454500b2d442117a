"""Adaptive pooling as ONNX Runtime computes it, against PyTorch."""

from pathlib import Path

import onnxruntime
import pytest
import torch
from torch import nn

from training.export.adaptive_pool import windows
from training.export.failure import describe
from training.export.network_files import write_onnx


class Pooled(nn.Module):
    """Rows taken for maps of one size, and a pooling layer."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pooled: torch.Tensor = self.layer(x.view(-1, 2, 7, 11))
        return pooled


@pytest.mark.slow
@pytest.mark.parametrize("layer", [nn.AdaptiveMaxPool2d((9, 4)), nn.AdaptiveAvgPool2d((3, 4))])
def test_windows_that_do_not_divide_the_maps_are_exported(tmp_path: Path, layer: nn.Module) -> None:
    network, x = Pooled(layer).eval(), torch.randn(5, 2 * 7 * 11)
    write_onnx(network, x[:2], tmp_path / "model.onnx")
    computed = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(None, {"input": x.numpy()})[0]
    torch.testing.assert_close(torch.from_numpy(computed), network(x), rtol=1e-6, atol=1e-6)


@pytest.mark.slow
def test_maps_of_any_size_have_a_largest_value_but_no_windows(tmp_path: Path) -> None:
    x = torch.randn(2, 3, 8, 9)
    write_onnx(nn.AdaptiveMaxPool2d(1).eval(), x, tmp_path / "model.onnx")
    other = torch.randn(3, 3, 5, 20)
    computed = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(None, {"input": other.numpy()})[0]
    torch.testing.assert_close(torch.from_numpy(computed), other.amax((2, 3), keepdim=True))
    with pytest.raises(Exception, match="node") as raised:
        write_onnx(nn.AdaptiveMaxPool2d(2).eval(), x, tmp_path / "model.onnx")
    reason = describe(raised.value, nn.AdaptiveMaxPool2d(2), {})
    assert reason == (
        "aten::adaptive_max_pool2d of AdaptiveMaxPool2d: adaptive pooling to 2 x 2 needs images of one size, so "
        "--size N instead of keep"
    )


def test_windows_are_those_of_pytorch() -> None:
    for size in range(1, 13):
        for count in range(1, 15):
            line = torch.arange(float(size))
            pooled = nn.functional.adaptive_max_pool1d(line[None, None], count)[0, 0]
            lowest = -nn.functional.adaptive_max_pool1d(-line[None, None], count)[0, 0]
            found = windows(size, count)
            assert [(int(low), int(high) + 1) for low, high in zip(lowest, pooled, strict=True)] == found
