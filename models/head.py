"""BuildHead: any CNN as backbone, a network of arithmetic units as head."""

import warnings
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from .location_classifier import LocationClassifier, pool_counts, pool_products
from .networks import Network
from .units import UNITS

Task = Literal["classification", "regression"]
Pool = Literal["average", "sum", "count", "product"]

_TASKS = ("classification", "regression")
_POOLS = ("average", "sum", "count", "product", None)
_CLASSIFYING = ("count", "product")

# alias: pools as they were called in version 0.1, by its checkpoints and command lines
OLD_POOLS: dict[str, Pool] = {"add-votes": "count", "multiply-votes": "product"}  # alias: see above


class BuildHead(nn.Module):
    """``head(pool(conv1x1(conv_model(x))))``, where the head is a network of arithmetic units.

    Args:
        conv_model: your CNN; it maps images to feature maps ``(batch, op_channel, height, width)``.
        op_channel: channels of those feature maps.
        hidden_dims: widths of the head, list or tuple: the 1x1 convolution's channels first, then any hidden
            layers; ``num_outputs`` is appended.
        task: ``"classification"`` (the output is log-probabilities, made for ``NLLLoss``) or ``"regression"``.
        num_outputs: number of classes, at least 2; 1 for regression.
        head_type: name of the head's unit, ``"NALU"``, ``"NAC"`` or any other of ``units``.
        pool: ``"average"`` and ``"sum"`` take images of any size; a sum keeps *how many*, which an average
            forgets. None switches pooling off: every location of the feature map feeds the head, for one image size.
            ``"count"`` and ``"product"``: every location is classified as a whole number of at most ``hidden_dims[0]``;
            the head sees how many locations read 1 or more, 2 or more and so on, or the products of their numbers; see
            ``location_classifier``.
        image_shape: ``(channels, height, width)`` of that one image size; needed with ``pool=None`` and only then.
        unit_options: keywords of the unit, for example ``{"shared_weights": True}``, over the unit's own for heads
            (its ``HEAD_OPTIONS`` options).

    Shape:
        x: the input of ``conv_model``, usually ``(batch, channels, height, width)``.
        y: ``(batch, num_outputs)``.

    Raises:
        ValueError: an unknown task, head or pool, a wrong number of outputs, no hidden_dims, or image_shape and
            pool that contradict each other.
    """

    def __init__(
        self,
        conv_model: nn.Module,
        op_channel: int,
        hidden_dims: Sequence[int],
        task: Task = "classification",
        num_outputs: int = 2,
        head_type: str = "NALU",
        *,
        pool: Pool | None = "average",
        image_shape: tuple[int, int, int] | None = None,
        unit_options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        pool = current_pool(pool)
        _check(hidden_dims, task, num_outputs, pool, image_shape)
        self.task = task
        self.pool = pool
        self.op_channel = op_channel
        self.conv_model = conv_model
        width = hidden_dims[0]
        self.project = (
            LocationClassifier(op_channel, width)
            if pool in _CLASSIFYING
            else nn.Conv2d(op_channel, width, kernel_size=1)
        )
        locations = 1 if image_shape is None else _locations(conv_model, image_shape)
        dims = [hidden_dims[0] * locations, *hidden_dims[1:], num_outputs]
        options = {**getattr(UNITS.load(head_type), "HEAD_OPTIONS", {}), **(unit_options or {})}
        self.head = Network(head_type, dims, **options)

    def features(self, x: Tensor) -> Tensor:
        """The head's input: ``(batch, hidden_dims[0])``, times height and width of the feature map if not pooled."""
        return self.pooled(self.maps(x))

    def maps(self, x: Tensor) -> Tensor:
        """The projected feature maps, ``(batch, hidden_dims[0], height, width)``, or per-location classes; see
        ``location_classifier``.
        """
        maps: Tensor = self.project(self.conv_model(x))
        return maps

    def pooled(self, maps: Tensor) -> Tensor:
        """The head's input, pooled from such maps."""
        if self.pool is None:
            return maps.flatten(1)
        if self.pool == "average":
            return maps.mean((-2, -1))
        if self.pool == "sum":
            return maps.sum((-2, -1))
        return pool_counts(maps) if self.pool == "count" else pool_products(maps)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.head(self.features(x))
        return output.log_softmax(1) if self.task == "classification" else output


def current_pool(pool: str | None) -> Any:
    """A pool by its name of today; an old one warns once."""
    if pool not in OLD_POOLS:
        return pool
    warnings.warn(f"pool={pool!r} is called {OLD_POOLS[pool]!r} now; use that.", FutureWarning, stacklevel=3)
    return OLD_POOLS[pool]


def _check(
    hidden_dims: Sequence[int], task: str, num_outputs: int, pool: str | None, image_shape: tuple[int, ...] | None
) -> None:
    if task not in _TASKS:
        raise ValueError(f"Unknown task {task!r}. Available: {', '.join(_TASKS)}.")
    if pool not in _POOLS:
        raise ValueError(f"Unknown pool {pool!r}. Available: {', '.join(map(repr, _POOLS))}.")
    if isinstance(hidden_dims, int) or not hidden_dims or min(hidden_dims) < 1:
        raise ValueError(
            f"hidden_dims must be a list of widths of at least 1, the channels of the 1x1 convolution first, "
            f"got {hidden_dims}."
        )
    if task == "regression" and num_outputs != 1:
        raise ValueError(f"num_outputs must be 1 for regression, got {num_outputs}.")
    if task == "classification" and num_outputs < 2:
        raise ValueError(f"num_outputs must be at least 2 for classification, got {num_outputs}.")
    if (pool is None) != (image_shape is not None):
        raise ValueError(
            f"pool=None takes one image size and needs image_shape=(channels, height, width); "
            f"other pools take any size and no image_shape. Got pool={pool!r}, image_shape={image_shape}."
        )


def _locations(conv_model: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """Height times width of the backbone's feature map. Leaves the backbone as it was."""
    was_training = conv_model.training
    parameter = next(conv_model.parameters(), torch.empty(0))
    with torch.no_grad():
        maps = conv_model.eval()(torch.zeros(1, *image_shape, dtype=parameter.dtype, device=parameter.device))
    conv_model.train(was_training)
    return int(maps.shape[-2] * maps.shape[-1])
