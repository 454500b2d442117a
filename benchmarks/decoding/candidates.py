"""The decoders that were compared: what is known of them, and what the measurement sees in an environment of theirs."""

import json
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.environments import Environment
from benchmarks.serving.bodies import jpeg, png

PROGRAM = Path(__file__).parent / "programs" / "time_decoders.py"


@dataclass(frozen=True)
class Candidate:
    """A decoder, as its project described it on 2026-11-29.

    Attributes:
        package: its name and version on PyPI.
        released: year and month of that version.
        licence: of the package and of what its wheels hold.
        formats: that it decodes.
        wheels: for which systems pip finds one.
        limits: what bounds or tests it: sizes before decoding, memory safety, fuzzing of the library that it wraps.
    """

    package: str
    released: str
    licence: str
    formats: str
    wheels: str
    limits: str


EVERYWHERE = "Linux x86-64 and ARM64, macOS, Windows"
CANDIDATES = {
    "Pillow": Candidate(
        "pillow==13.0.0",
        "2026-10",
        "MIT-CMU; libjpeg-turbo, zlib-ng",
        "all that the service takes",
        EVERYWHERE,
        "header first; a limit of pixels; OSS-Fuzz; security releases",
    ),
    "simplejpeg": Candidate(
        "simplejpeg==1.9.0",
        "2025-10",
        "MIT; libjpeg-turbo",
        "JPEG",
        EVERYWHERE,
        "header first; its copy of libjpeg-turbo is as old as its release",
    ),
    "PyTurboJPEG": Candidate(
        "pyturbojpeg==1.8.3",
        "2026-10 (2.6.1, for Python 3.12)",
        "MIT",
        "JPEG",
        "none needed; the system's libjpeg-turbo is, and pip does not install it",
        "header first; the system's security updates",
    ),
    "pyspng": Candidate(
        "pyspng==0.1.4",
        "2025-12",
        "MIT; libspng BSD-2",
        "PNG",
        EVERYWHERE,
        "no header alone; wraps libspng, a small library with few hands",
    ),
    "imagecodecs": Candidate(
        "imagecodecs==2026.3.6",
        "2026-10 (2026.10.10, for Python 3.12)",
        "BSD-3; those of dozens of libraries",
        "all but Netpbm",
        EVERYWHERE,
        "no header alone; dozens of libraries to watch",
    ),
    "OpenCV": Candidate(
        "opencv-python-headless==5.0.0.93",
        "2026-07",
        "Apache-2.0; FFmpeg LGPL-2.1",
        "all but HEIC",
        EVERYWHERE,
        "no header alone; a limit of pixels; OSS-Fuzz",
    ),
    "kornia-rs": Candidate(
        "kornia-rs==0.2.0",
        "2026-09",
        "Apache-2.0",
        "PNG, JPEG, TIFF",
        EVERYWHERE,
        "PNG in Rust; kind and size must be known before",
    ),
    "pywuffs": Candidate(
        "pywuffs==2.0.1",
        "2025-04",
        "MIT; Wuffs Apache-2.0",
        "PNG, JPEG, GIF, BMP and others",
        "none: it is compiled",
        "Wuffs proves at compile time that it stays within its memory",
    ),
}
"""By their name."""

ENVIRONMENT = Environment(
    "decoders", ("numpy==2.4.6", *(candidate.package for candidate in CANDIDATES.values())), program=str(PROGRAM)
)


def measure(home: Path, rounds: int) -> dict[str, Any]:
    """Microseconds that each decoder needs for each file, and the size of its package, by its name.

    Raises:
        InstallError: the environment cannot be installed.
    """
    python = ENVIRONMENT.python(home)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in {"image.png": png(), "image.jpg": jpeg()}.items():
            (Path(folder) / name).write_bytes(content)
        command = [str(python), str(PROGRAM), folder, str(rounds)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The decoders cannot be measured: {done.stderr[-500:]}")
    seen = json.loads(done.stdout)
    return {name: {**asdict(candidate), **seen[name]} for name, candidate in CANDIDATES.items()}
