"""Builds the wheels in build/wheels: nalu-serve, the application, and nalu-units, the library.

The library is ``models/`` under the name ``nalu_units``, without what needs more than PyTorch. So a project can use the
units beside packages of its own that are called app, models or training, as those of the application are.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
NEED_MORE_THAN_PYTORCH = (
    "alternatives.py",
    "arrays.py",
    "curves.py",
    "decoding",
    "manifest.py",
    "object_store.py",
    "onnx_graph.py",
    "uncertainty.py",
)
"""What of ``models/`` is not in the library: training and service share it, and it needs NumPy, pydantic and others."""


def stage_library(folder: Path) -> None:
    """Write the library's project into an empty or missing folder."""
    left_out = shutil.ignore_patterns("__pycache__", *NEED_MORE_THAN_PYTORCH)
    shutil.copytree(ROOT / "models", folder / "nalu_units", ignore=left_out)
    for source, name in (("library/pyproject.toml", "pyproject.toml"), ("docs/library.md", "README.md")):
        shutil.copy(ROOT / source, folder / name)
    shutil.copy(ROOT / "LICENSE", folder)


def stage_application(folder: Path) -> None:
    """Write the application's project into an empty or missing folder: a build in the checkout keeps removed files."""
    for package in ("app", "models", "training"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)


def build_wheel(project: Path, wheels: Path) -> None:
    """Build the wheel of a project with the setuptools that is installed, so that nothing is downloaded.

    Raises:
        subprocess.CalledProcessError: it cannot be built.
    """
    code = "import sys, setuptools.build_meta; setuptools.build_meta.build_wheel(sys.argv[1])"
    run = [sys.executable, "-c", code, str(wheels)]
    subprocess.run(run, cwd=project, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Build both wheels."""
    wheels = ROOT / "build" / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    for name, stage in (("nalu-serve", stage_application), ("nalu-units", stage_library)):
        folder = ROOT / "build" / name
        shutil.rmtree(folder, ignore_errors=True)
        stage(folder)
        build_wheel(folder, wheels)
    print("\n".join(str(wheel) for wheel in sorted(wheels.iterdir())))


if __name__ == "__main__":
    main()
