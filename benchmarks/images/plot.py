"""Error against the number of digits in the image, one line a head."""

from collections.abc import Mapping
from pathlib import Path

from training.counting.aggregate_target import AggregateTarget
from training.output.figures import new_figure, save_figure

Errors = Mapping[str, Mapping[str, Mapping[str, float]]]

FLOOR = 1e-4
"""Errors below this are drawn here."""


def plot_aggregates(path: Path, target: AggregateTarget, errors: Errors) -> None:
    """Draw the plot; ``errors`` by head, number of digits and kind."""
    kind, label = ("mae", "mean absolute error")
    if target.name == "digit-product":
        kind, label = ("median_relative_error", "median relative error")
    figure = new_figure(7, 4.2)
    axes = figure.add_subplot(
        xscale="log", yscale="log", title=f"{target.name}: trained on 0 to {target.max_train_count} digits"
    )
    axes.set_xlabel("digits in the image")
    axes.set_ylabel(label)
    axes.axvspan(0.8, target.max_train_count, color="0.93", label="in training")
    for (head, found), marker in zip(errors.items(), "os^vDPX*", strict=False):
        counts = [count for count in target.test_counts if count]
        values = [max(found[str(count)][kind], FLOOR) for count in counts]
        axes.plot(counts, values, marker=marker, markersize=4, label=head)
    counts = [count for count in target.test_counts if count]
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_xlim(0.8, counts[-1] * 1.2)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    save_figure(figure, path)
