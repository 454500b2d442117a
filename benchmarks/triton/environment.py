"""Triton's core from PyPI, in an environment of its own, with the folder of its backends."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import Environment, InstallError

TRITON = Environment(
    "triton",
    ("nvidia-pytriton==0.7.0", "onnxruntime==1.31.1", "numpy==1.26.4", "moto[server]==5.2.5"),
)
"""The wheel needs NumPy 1; moto is the S3 that Triton reads from."""
STAND_IN = Path(__file__).parent / "backend" / "model.py"
PATHS = """
import json, sys, sysconfig
import pytriton
print(json.dumps([pytriton.__path__[0], sysconfig.get_config_var("LIBDIR"), "%d.%d" % sys.version_info[:2]]))
"""


@dataclass(frozen=True)
class Installation:
    """Triton, ready to start.

    Args:
        python: of its environment.
        program: the server.
        backends: folder of its backends.
        libraries: folders of shared libraries.
    """

    python: Path
    program: Path
    backends: Path
    libraries: tuple[Path, ...]

    def variables(self) -> dict[str, str]:
        """The environment variables that server and backends need."""
        libraries = os.pathsep.join(map(str, self.libraries))
        path = os.pathsep.join([str(self.python.parent), os.environ.get("PATH", "")])
        return {**os.environ, "LD_LIBRARY_PATH": libraries, "PATH": path, "ORT_DISABLE_TELEMETRY": "1"}


def install(home: Path, work: Path) -> Installation:
    """Install Triton, or take it from an earlier call.

    Args:
        home: folder of the environments.
        work: for the folder of backends.

    Raises:
        SystemExit: it does not install, or has no backend for this Python.
    """
    try:
        python = TRITON.python(home)
    except InstallError as error:
        raise SystemExit(str(error)) from error
    found = subprocess.run([python, "-c", PATHS], check=True, capture_output=True, text=True)
    package, libraries, version = json.loads(found.stdout)
    server = Path(package) / "tritonserver"
    stub = server / "python_backend_stubs" / version / "triton_python_backend_stub"
    if not stub.exists():
        raise SystemExit(
            f"{TRITON.requirements[0]} has no backend for Python {version}; run this with 3.11, 3.12 or 3.13."
        )
    backends = work / "backends"
    shutil.copytree(server / "backends" / "python", backends / "python")
    shutil.copy(stub, backends / "python")
    (backends / "onnxruntime").mkdir()
    shutil.copy(STAND_IN, backends / "onnxruntime")
    own = Path(package).with_name("nvidia_pytriton.libs")
    return Installation(python, server / "bin" / "tritonserver", backends, (own, Path(libraries)))
