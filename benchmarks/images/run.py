"""One run: one seed of one model, trained, measured and exported wherever it runs."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.images import aggregates, single_digits
from training.recipes import RECIPES
from training.recipes.base.images import AggregateRecipe, DigitRecipe


def run(name: str, seed: int, images: int) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The measured errors, and the exported files by their path in a model repository."""
    recipe = RECIPES.load(name)
    assert isinstance(recipe, DigitRecipe | AggregateRecipe)
    recipe = replace(recipe, seed=seed)
    with TemporaryDirectory(prefix="nalu-images-") as temporary:
        folder = Path(temporary)
        if isinstance(recipe, DigitRecipe):
            found = single_digits.run(name, recipe, folder, images)
        else:
            found = aggregates.run(recipe, folder, images)
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {"model": name, "seed": seed, "threads": torch.get_num_threads(), **found}, files
