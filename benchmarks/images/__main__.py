"""python -m benchmarks.images: trains the image models over seeds, beside baselines, and writes their accuracy.

Every run is kept in ``reports/images``, so an interrupted benchmark goes on where it was; runs of other seeds and
models may go side by side.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.images import aggregates, single_digits
from benchmarks.images.render import write_report
from training.output.whole_file import write_whole_file
from training.recipes import RECIPES
from training.recipes.base.images import AggregateRecipe, DigitRecipe

NAMES = ("digit", "digit-sum", "digit-count", "digit-product", "digit-value")
SEEDS = (0, 1, 2)
REPORTS = Path("reports/images")


def run(name: str, seed: int, folder: Path, images: int) -> dict[str, Any]:
    """One seed of one model."""
    recipe = RECIPES.load(name)
    assert isinstance(recipe, DigitRecipe | AggregateRecipe)
    recipe = replace(recipe, seed=seed)
    if isinstance(recipe, DigitRecipe):
        found = single_digits.run(name, recipe, folder / str(seed), images)
    else:
        found = aggregates.run(recipe, folder / str(seed), images)
    return {"model": name, "seed": seed, "threads": torch.get_num_threads(), **found}


def main() -> None:
    """Run the missing seeds, then write the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.images", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="models (default: all)")
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS, help="seeds (default: 0 1 2)")
    # alias: --pictures, as the option was called in version 0.1
    parser.add_argument("--images", "--pictures", type=int, default=2000, help="test images a line (default: 2000)")
    parser.add_argument("--write", action="store_true", help="write docs/results/images.*")
    options = parser.parse_args()
    REPORTS.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        for name in options.only:
            path = REPORTS / f"{name}-{seed}.json"
            if not path.exists():
                found = run(name, seed, REPORTS, options.images)
                write_whole_file(path, f"{json.dumps(found, indent=1)}\n".encode())
                print(f"{path}", flush=True)
    if options.write:
        write_report(REPORTS, Path("docs/results"))


if __name__ == "__main__":
    main()
