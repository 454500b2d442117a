"""The ``zoo`` command."""

from argparse import Namespace
from time import perf_counter

from models.manifest import Manifest
from training.cli.report import print_result
from training.cli.validators import check_folders
from training.recipes import RECIPES


def run_zoo(options: Namespace) -> None:
    """Retrain default models."""
    recipes = {name: RECIPES.load(name) for name in options.names or RECIPES.names()}
    check_folders(options.repository, options.plots)
    started = perf_counter()
    for name, recipe in recipes.items():
        begun = perf_counter()
        folder = recipe.make(name, options.repository, options.plots, f"python -m training zoo {name}")
        print_result(name, Manifest.read(folder))
        print(f"written  {folder} in {perf_counter() - begun:.0f} s\n", flush=True)
    print(f"{len(recipes)} models in {perf_counter() - started:.0f} s. Serve them: python -m app")
