"""The front plot is written for any formulas, as a PNG."""

from pathlib import Path

from models.alternatives import FrontEntry
from training.tabular.front_plot import plot_front


def test_formulas_of_any_length_and_names_with_dollars_are_drawn(tmp_path: Path) -> None:
    long = " + ".join(['"price $"'] * 90)
    front = [
        FrontEntry(formula=text, complexity=place + 1, relative_rmse=error)
        for place, (text, error) in enumerate([("2", 0.3), ('"a $" * "b $"', 1e-3), (long, 0.0)])
    ]
    plot_front(tmp_path / "new" / "front.png", "front", front, long)
    assert (tmp_path / "new" / "front.png").read_bytes().startswith(b"\x89PNG")
