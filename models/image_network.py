"""ImageNetwork: from pixels to a number or to class probabilities, preprocessing included."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .backbones import build_backbone, initialize
from .head import BuildHead, Pool, Task, current_pool
from .image_modes import CHANNELS
from .preprocessing import Contrast, ImagePreprocessing

ANY_SIDE = 32
"""Height and width of the image that initialises lazy modules of a network for images of any size."""


class ImageNetwork(nn.Module):
    """Pixels, a backbone and an arithmetic head as one network, as it is trained, exported and served.

    Args:
        task: ``"classification"`` or ``"regression"``.
        num_outputs: number of classes; 1 for regression.
        head_type: the head's unit.
        hidden_dims: widths of the head, see ``BuildHead``.
        mode: ``"L"`` for grey images, ``"RGB"`` for colour.
        height: rows that every image is resized to; None, for both, keeps every image's own size, for heads that
            sum or multiply over locations. Then it has at least 8 x 8 pixels.
        width: columns that every image is resized to.
        contrast: see ``ImagePreprocessing``.
        backbone: name of the CNN, see ``backbones``.
        pool: see ``BuildHead``.
        unit_options: see ``BuildHead``.
        scale: for regression, factor of the head's output; near the spread of the values, as the untrained head
            returns values near 1.
        shift: for regression, added to the scaled output; for values far from 0 relative to their spread.

    Shape:
        x: ``(batch, channels, any, any)``, uint8.
        y: ``(batch, num_outputs)``: probabilities, or the value.

    Raises:
        ValueError: as ``ImagePreprocessing`` and ``BuildHead``.
    """

    def __init__(
        self,
        task: Task,
        num_outputs: int,
        head_type: str,
        *,
        hidden_dims: Sequence[int] = (32,),
        mode: str = "L",
        height: int | None = 28,
        width: int | None = 28,
        contrast: Contrast = "plain",
        backbone: str = "small",
        pool: Pool | None = "average",
        unit_options: dict[str, Any] | None = None,
        scale: float = 1.0,
        shift: float = 0.0,
    ) -> None:
        super().__init__()
        config: dict[str, Any] = {
            "task": task,
            "num_outputs": num_outputs,
            "head_type": head_type,
            "hidden_dims": list(hidden_dims),
            "mode": mode,
            "height": height,
            "width": width,
            "contrast": contrast,
            "backbone": backbone,
            "pool": current_pool(pool),
            "unit_options": unit_options or {},
            "scale": scale,
            "shift": shift,
        }
        self.config = config  # annotated apart, as TorchScript warns of annotated attributes
        self.scale, self.shift = scale, shift
        self.pixels = ImagePreprocessing(height, width, contrast=contrast)
        self.network = _with_head(self.config)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.network(self.pixels(x))
        return output.exp() if self.network.task == "classification" else output * self.scale + self.shift


def _with_head(config: dict[str, Any]) -> BuildHead:
    """The backbone and the head of a configuration."""
    channels, height, width = CHANNELS[config["mode"]], config["height"], config["width"]
    cnn = build_backbone(config["backbone"], channels)
    return BuildHead(
        initialize(cnn.network, torch.zeros(1, channels, height or ANY_SIDE, width or ANY_SIDE)),
        cnn.op_channel,
        config["hidden_dims"],
        config["task"],
        config["num_outputs"],
        config["head_type"],
        pool=config["pool"],
        image_shape=(channels, height, width) if config["pool"] is None and height and width else None,
        unit_options=config["unit_options"],
    )
