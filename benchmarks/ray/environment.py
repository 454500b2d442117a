"""The environment with Ray that the measurements run in, apart from the project's own."""

from pathlib import Path

from benchmarks.environments import Environment, InstallError
from benchmarks.serving.servers import ROOT

CONSTRAINTS = ROOT / "constraints.txt"
RAY = Environment(
    "ray",
    ("--constraint", str(CONSTRAINTS), "--editable", f"{ROOT}[ray]"),
    files=(ROOT / "pyproject.toml", CONSTRAINTS),
)


def install(home: Path) -> Path:
    """The Python of an environment with this project and its extra ``ray``.

    Raises:
        SystemExit: pip cannot install it.
    """
    try:
        return RAY.python(home)
    except InstallError as error:
        raise SystemExit(str(error)) from error
