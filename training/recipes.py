"""How default models are made: from an arithmetic task, or from the handwritten digits."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from training import fit, fit_images
from training.augment import vary_strokes
from training.data.digits import Digits, split_digits
from training.fit_images import Examples, PicturePlan
from training.split import Part, Split
from training.tasks import TASKS

TRAINING_ROWS = 1024
TEST_ROWS = 1000
"""Rows for each part that is only measured."""


class Recipe(Protocol):
    """Makes one default model."""

    def make(self, name: str, repository: Path, plots: Path, command: str) -> Path:
        """Train, measure and export as version 1, in the place of an earlier one; write plots into their folder.

        Returns:
            The version folder.
        """


@dataclass(frozen=True)
class ArithmeticRecipe:
    """Learns a task of ``training.tasks`` from fresh uniform samples: finds the law, unless a unit is named."""

    task: str
    summary: str
    unit: str = fit.AUTO
    seed: int = 0

    def make(self, name: str, repository: Path, plots: Path, command: str) -> Path:
        task = TASKS.load(self.task)
        split = sample_split(self.task, self.seed)
        low, high = task.interpolation
        plan = fit.Plan(
            name=name,
            columns=task.columns,
            target=task.target,
            unit=self.unit,
            seed=self.seed,
            command=command,
            data=f"task '{self.task}': {TRAINING_ROWS} samples from U[{low}, {high}]",
            summary=self.summary,
        )
        fitted = fit.fit(plan, split)
        random = np.random.default_rng(self.seed)
        elsewhere = {part: Part(*task.sample(TEST_ROWS, within, random)) for part, within in task.elsewhere.items()}
        fitted.metrics.update(fit.measure(fitted.network, fitted.mlp, elsewhere))
        fit.plot(fitted, split, plots / f"{name}.png", f"{name}, learned by {fitted.unit}")
        return fit.export(fitted, plan, split, repository, version=1)


def sample_split(name: str, seed: int) -> Split:
    """Samples of a task: to train on and to measure within its interpolation range, and in its extrapolation range."""
    task, random = TASKS.load(name), np.random.default_rng(seed)
    return Split(
        Part(*task.sample(TRAINING_ROWS, task.interpolation, random)),
        Part(*task.sample(TEST_ROWS, task.interpolation, random)),
        Part(*task.sample(TEST_ROWS, task.extrapolation, random)),
        drawn_from=task.interpolation,
    )


@dataclass(frozen=True)
class DigitRecipe:
    """Reads handwritten digits with a CNN and an arithmetic head.

    Extrapolation is measured on the held-out digits as other pictures show them: sizes, margins and colours that
    training never saw.
    """

    task: str
    head_type: str
    summary: str
    seed: int = 0
    epochs: int = 60

    def make(self, name: str, repository: Path, plots: Path, command: str) -> Path:  # noqa: ARG002
        train, held_out = split_digits(self.seed)
        plan = PicturePlan(
            name=name,
            classes=[str(digit) for digit in range(10)] if self.task == "classification" else None,
            head_type=self.head_type,
            seed=self.seed,
            command=command,
            data=f"scikit-learn digits: {len(train.labels)} of 1797 pictures",
            summary=self.summary,
            epochs=self.epochs,
            network={"contrast": "strokes"},
            augment=vary_strokes,
        )
        tests = {"interpolation": _examples(held_out), "extrapolation": other_views(held_out)}
        fitted = fit_images.fit_pictures(plan, _examples(train), tests)
        return fit_images.export_pictures(fitted, plan, _examples(train), repository, version=1)


def other_views(digits: Digits) -> Examples:
    """Every digit dark on light with a margin, at 20, 64 and 256 pixels: what a photo or a drawing looks like."""
    views = [_view(picture[0], size) for size in (20, 64, 256) for picture in digits.pictures]
    return Examples(views, np.tile(digits.labels.astype(np.float64), 3))


def _view(picture: np.ndarray[Any, Any], size: int) -> np.ndarray[Any, Any]:
    inner, canvas = round(size * 0.7), Image.new("L", (size, size), 235)
    strokes = Image.fromarray(picture).resize((inner, inner), Image.Resampling.BICUBIC)
    canvas.paste(30, ((size - inner) // 2, (size - inner) // 2), strokes)
    return np.asarray(canvas)[None]


def _examples(digits: Digits) -> Examples:
    return Examples(list(digits.pictures), digits.labels.astype(np.float64))
