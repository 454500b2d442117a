"""Exports a fitted image model into the model repository."""

from itertools import islice
from pathlib import Path

import numpy as np

from models.arrays import ByteArray
from models.image_modes import CHANNELS
from training.data.image_files import MIN_OWN_SIDE
from training.data.labeled_images import Images, LabeledImages
from training.export.network_files import INPUT, OUTPUT
from training.export.write import Export, package_versions, tensor_spec, write_model
from training.vision.config import FittedImageModel, TrainConfig


def export_image_model(
    fitted: FittedImageModel, config: TrainConfig, train: LabeledImages, repository: Path, *, version: int | None = None
) -> Path:
    """Write the fitted network to the repository; see ``training.export.write.write_model``."""
    network, options = fitted.network, fitted.network.config
    outputs = config.classes if config.classes is not None else ["value"]
    values = [] if config.classes is not None else [(float(train.labels.min()), float(train.labels.max()))]
    resized = options["height"] is not None
    sides = {side: options[side] if resized else MIN_OWN_SIDE for side in ("height", "width")}
    manifest = {
        "task": f"image-{config.task}",
        "summary": config.summary,
        "inputs": [tensor_spec(INPUT, "UINT8", [-1, CHANNELS[options["mode"]], -1, -1])],
        "outputs": [tensor_spec(OUTPUT, "FP32", [-1, len(outputs)], outputs)],
        "classes": list(config.classes) if config.classes is not None else None,
        "image": {"mode": options["mode"], **sides, "resize": resized},
        "unit": options["head_type"],
        "dims": [*options["hidden_dims"], options["num_outputs"]],
        "formula": None,
        "latex": None,
        "training": {
            "ranges": values,
            "rows": len(train.images),
            "seed": config.seed,
            "command": config.command,
            "packages": package_versions(),
            "data": config.data,
        },
        "metrics": fitted.metrics,
    }
    checks = parity_images(train.images, CHANNELS[options["mode"]])
    return write_model(Export(network, checks, manifest), repository, config.name, version=version)


def parity_images(images: Images, channels: int) -> dict[str, ByteArray]:
    """Images to check exported files on: noise of an unusual size, some as they are, and the same inverted."""
    noise = np.random.default_rng(0).integers(0, 256, (2, channels, 37, 53), dtype=np.uint8)
    first = list(islice(images, 64))
    alike = np.stack([image for image in first if image.shape == first[0].shape][:16])
    return {"unusual": noise, "training": alike, "inverted": 255 - alike}
