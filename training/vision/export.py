"""Exports a fitted image model into the model repository."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from models.arrays import ByteArray
from models.image_modes import CHANNELS
from training.data.image_files import MIN_OWN_SIDE
from training.data.labeled_images import Images, LabeledImages
from training.export.evaluation import EVALUATION_FILE
from training.export.network_files import INPUT, OUTPUT
from training.export.write import Export, package_versions, tensor_spec, write_model
from training.vision.config import FittedImageModel, TrainConfig
from training.vision.evaluation import evaluate_images


def export_image_model(
    fitted: FittedImageModel,
    config: TrainConfig,
    train: LabeledImages,
    repository: Path,
    *,
    tests: Mapping[str, LabeledImages] | None = None,
    version: int | None = None,
) -> Path:
    """Write the fitted network to the repository; see ``training.export.write.write_model``.

    ``tests`` are the held-out images of the fitted model's predictions, for its evaluation.
    """
    network, options = fitted.network, fitted.network.config
    outputs = config.classes if config.classes is not None else ["value"]
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
        "training": _training(config, train),
        "metrics": fitted.metrics,
    }
    checks = parity_images(train.images, CHANNELS[options["mode"]])
    export = Export(network, checks, manifest, files=_evaluation(fitted, config, tests or {}))
    return write_model(export, repository, config.name, version=version)


def _training(config: TrainConfig, train: LabeledImages) -> dict[str, Any]:
    """The manifest's entry on the training."""
    return {
        "ranges": [] if config.classes is not None else [(float(train.labels.min()), float(train.labels.max()))],
        "rows": len(train.images),
        "seed": config.seed,
        "command": config.command,
        "packages": package_versions(),
        "data": config.data,
    }


def _evaluation(fitted: FittedImageModel, config: TrainConfig, tests: Mapping[str, LabeledImages]) -> dict[str, bytes]:
    """The file with the evaluation; none where there are no held-out images."""
    if not tests:
        return {}
    return {EVALUATION_FILE: evaluate_images(fitted.predictions, config.classes, tests).to_json()}


def parity_images(images: Images, channels: int) -> dict[str, ByteArray]:
    """Images to check exported files on: noise of an unusual size, some as they are, and the same inverted."""
    noise = np.random.default_rng(0).integers(0, 256, (2, channels, 37, 53), dtype=np.uint8)
    first = list(islice(images, 64))
    alike = np.stack([image for image in first if image.shape == first[0].shape][:16])
    return {"unusual": noise, "training": alike, "inverted": 255 - alike}
