"""Environments that the measurements install other software into, apart from the project's own."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

INSTALL_SECONDS = 1800


class InstallError(Exception):
    """An environment cannot be installed; the message is one sentence."""


@dataclass(frozen=True)
class Environment:
    """An environment.

    Args:
        name: of its folder, and of what is in it.
        requirements: pinned, as pip takes them; empty: the environment that this runs in.
        first: what its build needs and does not declare, pinned; it is then built without isolation.
        alone: pinned, and installed without what they depend on.
        files: that the requirements name; it is installed again when one changes.
        program: that runs in it, if it has one.
    """

    name: str
    requirements: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    program: str = ""

    def python(self, home: Path) -> Path:
        """Its Python; after the first call without a network.

        Args:
            home: folder of all environments.

        Raises:
            InstallError: pip cannot install it.
        """
        if not self.requirements:
            return Path(sys.executable)
        folder = home / self.name
        python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        texts = [file.read_text(encoding="utf-8") for file in self.files]
        wanted = "\n".join((*self.first, *self.requirements, *self.alone, *texts))
        installed = folder / "installed.txt"
        if installed.exists() and installed.read_text(encoding="utf-8") == wanted:
            return python
        shutil.rmtree(folder, ignore_errors=True)
        self._run(sys.executable, "-m", "venv", str(folder))
        pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        if self.first:
            self._run(*pip, *self.first)
        self._run(*pip, *(("--no-build-isolation",) if self.first else ()), *self.requirements)
        if self.alone:
            self._run(*pip, "--no-deps", *self.alone)
        installed.write_text(wanted, encoding="utf-8")
        return python

    def _run(self, *command: str) -> None:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise InstallError(f"{self.name} does not install: pip took more than {INSTALL_SECONDS} s.") from error
        if done.returncode:
            lines = (done.stdout + done.stderr).splitlines()
            errors = [line.strip() for line in lines if line.strip().lower().startswith("error")]
            reason = errors[-1] if errors else f"exit code {done.returncode}"
            raise InstallError(f"{self.name} does not install ({' '.join(self.requirements)}): {reason}")


def default_home() -> Path:
    """Where environments lie: in the user's folder of caches."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nalu-serve" / "peers"
