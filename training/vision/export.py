"""Writes what was learned from images into the model repository."""

from itertools import islice
from pathlib import Path

import numpy as np

from models.arrays import ByteArray
from models.manifest import CHANNELS
from training.data.image_files import MIN_KEPT_SIDE
from training.data.labeled_images import Images, LabeledImages
from training.export.write import INPUT, OUTPUT, Export, package_versions, tensor_spec, write_model
from training.vision.config import FittedImageModel, TrainConfig


def export_image_model(
    fitted: FittedImageModel, plan: TrainConfig, train: LabeledImages, repository: Path, *, version: int | None = None
) -> Path:
    """Write the fitted network to the repository; see ``training.export.write.write_model``."""
    network, config = fitted.network, fitted.network.config
    outputs = plan.classes if plan.classes is not None else ["value"]
    values = [] if plan.classes is not None else [(float(train.labels.min()), float(train.labels.max()))]
    resized = config["height"] is not None
    sides = {side: config[side] if resized else MIN_KEPT_SIDE for side in ("height", "width")}
    manifest = {
        "task": f"image-{plan.task}",
        "summary": plan.summary,
        "inputs": [tensor_spec(INPUT, "UINT8", [-1, CHANNELS[config["mode"]], -1, -1])],
        "outputs": [tensor_spec(OUTPUT, "FP32", [-1, len(outputs)], outputs)],
        "classes": list(plan.classes) if plan.classes is not None else None,
        "image": {"mode": config["mode"], **sides, "resize": resized},
        "unit": config["head_type"],
        "dims": [*config["hidden_dims"], config["num_outputs"]],
        "formula": None,
        "latex": None,
        "training": {
            "ranges": values,
            "rows": len(train.images),
            "seed": plan.seed,
            "command": plan.command,
            "packages": package_versions(),
            "data": plan.data,
        },
        "metrics": fitted.metrics,
    }
    checks = parity_images(train.images, CHANNELS[config["mode"]])
    return write_model(Export(network, checks, manifest), repository, plan.name, version=version)


def parity_images(images: Images, channels: int) -> dict[str, ByteArray]:
    """Images to check exported files on: noise of an unusual size, some as they are, and the same inverted."""
    noise = np.random.default_rng(0).integers(0, 256, (2, channels, 37, 53), dtype=np.uint8)
    first = list(islice(images, 64))
    alike = np.stack([image for image in first if image.shape == first[0].shape][:16])
    return {"unusual": noise, "training": alike, "inverted": 255 - alike}
