"""The extrapolation plot: error against distance from the training range."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from models.arrays import FloatArray
from training.output.figures import new_figure, save_figure

FLOOR = 1e-16
"""Errors of 0 are drawn here, at the precision of float64."""


def plot_extrapolation(path: Path, title: str, distance: FloatArray, errors: Mapping[str, FloatArray]) -> None:
    """Draw relative errors of several networks against the distance from the middle of the training range.

    Args:
        path: the PNG to write; its folder is made if it is missing.
        title: the plot's title.
        distance: ``(rows,)``; 1 is the edge of the training range.
        errors: for each network, the relative error of every row, ``(rows,)``; those not finite are not drawn.
    """
    figure = new_figure(7, 4.2)
    axes = figure.add_subplot(xscale="log", yscale="log", title=title)
    axes.set_xlabel("distance from the middle of the training range (1: its edge)")
    axes.set_ylabel("relative error")
    left = min(float(distance.min(initial=1.0)), 0.5)
    axes.axvspan(max(left, 1e-2), 1, color="0.93", label="training range")
    for (name, values), marker in zip(errors.items(), "o^sv", strict=False):
        drawn = np.isfinite(values)
        axes.plot(distance[drawn], np.maximum(values[drawn], FLOOR), marker, markersize=2.5, alpha=0.6, label=name)
    axes.set_xlim(left=max(left, 1e-2))
    axes.minorticks_off()  # over 16 decades, they take as long to draw as all else
    axes.grid(visible=True, alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    save_figure(figure, path)
