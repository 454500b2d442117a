"""The environment with Ray that the measurements run in, apart from the project's own."""

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.laws.peers.environments import default_home
from benchmarks.serving.servers import ROOT

INSTALL_SECONDS = 1800
INSTALLED = "installed.txt"


def environment(home: Path | None = None) -> Path:
    """The Python of an environment with this project and its extra ``ray``; after the first call without a network.

    Raises:
        SystemExit: pip cannot install it.
    """
    folder = (home or default_home()) / "ray"
    wanted = (ROOT / "pyproject.toml").read_text("utf-8") + (ROOT / "constraints.txt").read_text("utf-8") + str(ROOT)
    installed, python = folder / INSTALLED, folder / "bin" / "python"
    if installed.exists() and installed.read_text("utf-8") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    for command in (
        (sys.executable, "-m", "venv", str(folder)),
        (*pip, "--constraint", str(ROOT / "constraints.txt"), "--editable", f"{ROOT}[ray]"),
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        if done.returncode:
            lines = [line for line in (done.stdout + done.stderr).splitlines() if line.lower().startswith("error")]
            raise SystemExit(f"The extra [ray] does not install: {lines[-1] if lines else done.returncode}")
    installed.write_text(wanted, "utf-8")
    return python
