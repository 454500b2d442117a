"""ImageNetwork: from pixels to a number or to class probabilities, preprocessing included."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from models.backbones import build_backbone
from models.head import BuildHead, Pool, Task
from models.manifest import CHANNELS
from models.preprocessing import Contrast, Pixels


class ImageNetwork(nn.Module):
    """Pixels, a backbone and an arithmetic head as one network: what is trained, exported and served.

    Args:
        task: ``"classification"`` or ``"regression"``.
        num_outputs: number of classes; 1 for regression.
        head_type: the head's unit.
        hidden_dims: widths of the head, see ``BuildHead``.
        mode: ``"L"`` for grey images, ``"RGB"`` for colour.
        height: rows that every image is resized to; None, for both, keeps every image's own size, for heads that
            sum or multiply over locations. Then it has at least 8 x 8 pixels.
        width: columns that every image is resized to.
        contrast: see ``Pixels``.
        backbone: name of the CNN, see ``models.backbones``.
        pool: see ``BuildHead``.
        unit_options: see ``BuildHead``.
        scale: for regression, what the head's output is multiplied by; near the spread of the values, as the head
            starts at outputs near 1.
        shift: for regression, what is added then; for values that are far from 0 for their spread.

    Shape:
        x: ``(batch, channels, any, any)``, uint8.
        y: ``(batch, num_outputs)``: probabilities, or the value.

    Raises:
        ValueError: as ``Pixels`` and ``BuildHead``.
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
        channels = CHANNELS[mode]
        cnn = build_backbone(backbone, channels)
        shape = (channels, height, width) if pool is None and height and width else None
        self.scale = scale
        self.shift = shift
        self.pixels = Pixels(height, width, contrast=contrast)
        self.network = BuildHead(
            cnn.network,
            cnn.op_channel,
            hidden_dims,
            task,
            num_outputs,
            head_type,
            pool=pool,
            image_shape=shape,
            unit_options=unit_options,
        )
        self.config: dict[str, Any] = {
            "task": task,
            "num_outputs": num_outputs,
            "head_type": head_type,
            "hidden_dims": list(hidden_dims),
            "mode": mode,
            "height": height,
            "width": width,
            "contrast": contrast,
            "backbone": backbone,
            "pool": self.network.pool,
            "unit_options": unit_options or {},
            "scale": scale,
            "shift": shift,
        }

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.network(self.pixels(x))
        return output.exp() if self.network.task == "classification" else output * self.scale + self.shift
