"""Figures and how they are saved."""

import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from training.output.whole_file import write_whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MATPLOTLIB_VARIABLE = "MPLCONFIGDIR"
"""Matplotlib's own variable for the folder of its settings and of its list of fonts."""


def new_figure(width: float, height: float, dpi: int = 110) -> "Figure":
    """An empty figure, its size in inches."""
    with matplotlib_folder():
        from matplotlib.figure import Figure  # slow to import, and only here

    return Figure(figsize=(width, height), dpi=dpi, layout="constrained")


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a PNG without metadata, all of it or none; its folder is made if it is missing.

    Raises:
        OSError: it cannot be written; with its path.
    """
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a letter that the font lacks is drawn as a box
        figure.savefig(content, format="png", metadata={"Software": None})
    write_whole_file(path, content.getbuffer())


@contextmanager
def matplotlib_folder() -> Iterator[None]:
    """Within this context, importing matplotlib leaves no file behind and warns of no folder.

    It lists the machine's fonts and keeps the list below the home folder, which it complains about where it cannot.
    Users of matplotlib have that folder; for others the list stays in a temporary one.
    """
    if "matplotlib" in sys.modules or os.environ.get(MATPLOTLIB_VARIABLE) or _user_has_folders():
        yield
        return
    with TemporaryDirectory(prefix="nalu-matplotlib-", ignore_cleanup_errors=True) as folder:
        os.environ[MATPLOTLIB_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[MATPLOTLIB_VARIABLE]


def _user_has_folders() -> bool:
    """Whether matplotlib's own folders exist and are writable."""
    try:
        home = Path.home()
    except RuntimeError:  # neither HOME nor an entry in the list of users
        return False
    folders = [home / ".matplotlib"]
    if sys.platform.startswith(("linux", "freebsd")):
        variables = {"XDG_CONFIG_HOME": ".config", "XDG_CACHE_HOME": ".cache"}
        folders = [Path(os.environ.get(name) or home / usual) / "matplotlib" for name, usual in variables.items()]
    return all(folder.is_dir() and os.access(folder, os.W_OK) for folder in folders)
