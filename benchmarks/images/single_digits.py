"""Single digits: one run is one seed of one model, with its head and with a linear one, on every variant."""

from functools import partial
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.images.file_kinds import FILE_KINDS
from training.counting.image_variants import SIZES, variant
from training.data.labeled_images import LabeledImages
from training.data.mnist import load_mnist
from training.metrics import predict
from training.recipes.base.images import DigitRecipe
from training.vision.fit import measure


def run(name: str, recipe: DigitRecipe, folder: Path, images: int) -> dict[str, Any]:
    """Train, measure and export one seed; returns errors on the test set and by variant, bytes and seconds."""
    began = perf_counter()
    fitted = recipe.fit(name)
    seconds = perf_counter() - began
    written = recipe.export(fitted, name, folder, f"python -m training zoo {name}")
    _, _, test, labels = load_mnist()
    chosen = slice(None, None, len(test) // images)
    classes = [str(digit) for digit in range(10)] if recipe.task == "classification" else None
    variants = {}
    for size, (kind, (inverted, file_format)) in product(SIZES, FILE_KINDS.items()):
        seen = [variant(image, size, inverted, file_format) for image in test[chosen]]
        shown = LabeledImages(seen, labels[chosen].astype(np.float64))
        variants[f"{size} x {size}, {kind}"] = measure(partial(predict, fitted.network), classes, shown)
    test_set = fitted.metrics["interpolation"]
    return {
        "seconds": seconds,
        "bytes": (written / "model.onnx").stat().st_size,
        "test": test_set,
        "variants": variants,
    }
