"""Error against the number of digits in the picture, one line a head."""

from collections.abc import Mapping
from pathlib import Path

from training.counting.totals import Total

Errors = Mapping[str, Mapping[str, Mapping[str, float]]]

FLOOR = 1e-4
"""Errors below this are drawn here."""


def plot_totals(path: Path, total: Total, errors: Errors) -> None:
    """Draw the plot; ``errors`` by head, number of digits and kind."""
    from matplotlib.figure import Figure

    kind, label = ("mae", "mean absolute error")
    if total.name == "digit-product":
        kind, label = ("median_relative_error", "median relative error")
    figure = Figure(figsize=(7, 4.2), dpi=110, layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", title=f"{total.name}: trained on 0 to {total.trained} digits")
    axes.set_xlabel("digits in the picture")
    axes.set_ylabel(label)
    axes.axvspan(0.8, total.trained, color="0.93", label="in training")
    for (head, found), marker in zip(errors.items(), "os^vDPX*", strict=False):
        counts = [count for count in total.tested if count]
        values = [max(found[str(count)][kind], FLOOR) for count in counts]
        axes.plot(counts, values, marker=marker, markersize=4, label=head)
    counts = [count for count in total.tested if count]
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_xlim(0.8, counts[-1] * 1.2)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.savefig(path, metadata={"Software": None})
