"""Manifest: the declared properties of an exported model. Training writes it, the service reads it.

A model lies in ``<repository>/<name>/<version>/`` as ``model.onnx``, ``model.pt``, ``weights.safetensors`` and
``manifest.json``. This file needs no PyTorch.
"""

import hashlib
import os
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .alternatives import FrontEntry, Rival
from .image_modes import CHANNELS
from .uncertainty import Uncertainty

MANIFEST_FILE = "manifest.json"
ONNX_FILE = "model.onnx"
TORCHSCRIPT_FILE = "model.pt"
WEIGHTS_FILE = "weights.safetensors"
REPORT_FILE = "report.html"
INTERVAL_FILES = {
    ONNX_FILE: "intervals.onnx",
    TORCHSCRIPT_FILE: "intervals.pt",
    WEIGHTS_FILE: "intervals.safetensors",
}
"""Files of the network that intervals are made of (``law_spread``), by the file that holds the model alike."""

ModelTask = Literal["arithmetic", "image-regression", "image-classification", "tensors"]
"""What a model takes and returns. ``tensors``: an imported graph whose inputs and outputs are neither a table of
numbers nor images, and which the Open Inference Protocol alone serves."""

Datatype = Literal[
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES"
]
"""Datatypes of the Open Inference Protocol; ``BYTES`` is strings."""

NUMPY_TYPES: dict[str, str] = {
    "BOOL": "?",
    **{f"UINT{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": f"<f{size}" for size in (2, 4, 8)},
    "BYTES": "O",
}
"""NumPy's type of each datatype, little-endian; strings are objects."""

MAX_TENSORS = 64
"""Inputs, and outputs, that a model may have; a request may list as many."""

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Model names are folder names and parts of a URL: letters, digits, dot, underscore and hyphen, up to 64."""


class ManifestError(ValueError):
    """A manifest that cannot be read or is inconsistent."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tensor(_Strict):
    """An input or output: its name, datatype, shape (-1: free) and column names.

    ``example``, of inputs of the task ``tensors``: a row that the model takes, as nested lists, without the batch axis.
    """

    name: str
    datatype: Datatype
    shape: list[int]
    columns: list[str] | None = None
    example: Any = None


class ImageInput(_Strict):
    """Colour mode and size, in pixels, of the images that a model takes.

    With ``resize``, the graph resizes every image to ``height`` x ``width``. Without, and where the input's shape
    leaves the size free, they are the minimum size, and larger images enter at their own size: counting and adding
    over locations needs objects of constant size. Where the shape fixes the size, images must have exactly that.
    """

    mode: Literal["L", "RGB"]
    height: int = Field(ge=1)
    width: int = Field(ge=1)
    resize: bool


class Training(_Strict):
    """Provenance of the model.

    ``ranges``: minimum and maximum of each input column in training; empty where an imported model's are not known.
    """

    ranges: list[tuple[float, float]]
    rows: int
    seed: int
    command: str
    packages: dict[str, str]
    data: str


class FileEntry(_Strict):
    """Hash and size of one file of the version folder."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Manifest(_Strict):
    """The declared properties of an exported model: shapes, training ranges, measured errors, hashes of its files."""

    name: str = Field(pattern=NAME_PATTERN)
    version: int = Field(ge=1)
    task: ModelTask
    summary: str
    inputs: list[Tensor] = Field(min_length=1, max_length=MAX_TENSORS)
    outputs: list[Tensor] = Field(min_length=1, max_length=MAX_TENSORS)
    classes: list[str] | None
    image: ImageInput | None
    unit: str
    dims: list[int]
    formula: str | None
    latex: str | None = None
    uncertainty: Uncertainty | None = None
    front: list[FrontEntry] | None = None
    rivals: list[Rival] | None = None
    training: Training
    metrics: dict[str, dict[str, Any]]
    files: dict[str, FileEntry]

    @model_validator(mode="after")
    def _validate_consistency(self) -> Self:
        if self.task == "tensors":
            self._validate_tensors()
            return self
        if len(self.inputs) > 1 or len(self.outputs) > 1:
            raise ValueError(f"a model of task '{self.task}' has one input and one output")
        entry, output = self.inputs[0], self.outputs[0]
        if self.task == "image-classification" and len(self.classes or ()) < 2:
            raise ValueError("task 'image-classification' needs at least two 'classes'")
        if self.task == "arithmetic":
            self._validate_columns(entry, output)
        else:
            self._validate_images(entry)
        outputs = {"image-regression": 1, "image-classification": len(self.classes or ())}.get(self.task)
        if len(output.shape) != 2 or output.shape[0] != -1 or outputs not in (None, output.shape[1]):
            raise ValueError(
                f"a model of task '{self.task}' has outputs of shape [-1, {outputs or 'number of outputs'}]"
            )
        return self

    def _validate_tensors(self) -> None:
        for tensors in (self.inputs, self.outputs):
            names = [tensor.name for tensor in tensors]
            if len(set(names)) < len(names):
                raise ValueError("the names of inputs, and those of outputs, must differ")
            if any(tensor.shape[:1] != [-1] for tensor in tensors):
                raise ValueError("the first axis of every input and output is the batch, which is free: -1")

    def _validate_columns(self, entry: Tensor, output: Tensor) -> None:
        if (entry.datatype, output.datatype) != ("FP64", "FP64"):
            raise ValueError("arithmetic is FP64 from end to end")
        if len(entry.shape) != 2 or entry.shape[0] != -1 or entry.shape[1] < 1:
            raise ValueError("an arithmetic model has inputs of shape [-1, number of columns]")
        width = entry.shape[1]
        if len(self.columns) != width or len(self.training.ranges) not in (0, width):
            raise ValueError(f"an arithmetic model of {width} inputs needs {width} columns and {width} ranges")

    def _validate_images(self, entry: Tensor) -> None:
        if self.image is None:
            raise ValueError(f"task '{self.task}' needs 'image'")
        channels = CHANNELS[self.image.mode]
        sizes = [[-1, channels, -1, -1], [-1, channels, self.image.height, self.image.width]]
        allowed = sizes[: 1 if self.image.resize else 2]
        if entry.shape not in allowed:
            listed = " or ".join(map(str, allowed))
            how = "that are resized" if self.image.resize else "that are not resized"
            raise ValueError(f"images of mode {self.image.mode} {how} are inputs of shape {listed}, not {entry.shape}")

    @property
    def columns(self) -> list[str]:
        """Names of the input columns; empty for images."""
        return self.inputs[0].columns or []

    @property
    def any_size(self) -> bool:
        """Whether images enter unresized, in any size of at least ``image.height`` x ``image.width``."""
        return self.image is not None and not self.image.resize and self.inputs[0].shape[2] == -1

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read ``manifest.json`` of a version folder.

        Raises:
            ManifestError: the file is missing, is not JSON or is not a valid manifest.
        """
        path = folder / MANIFEST_FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ManifestError(f"{path} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            where = f" at '{place}'" if place else ""
            raise ManifestError(
                f"{path} is not a valid manifest{where}: {first['msg'].removeprefix('Value error, ')}."
            ) from error

    def read_file(self, folder: Path, name: str) -> bytes:
        """Read a file of the version folder and verify its hash.

        Returns:
            The bytes that were hashed, so that nothing can change between check and use.

        Raises:
            ManifestError: the file is missing or not listed, or its hash differs from the listed one.
        """
        if name not in self.files:
            raise ManifestError(f"{folder / MANIFEST_FILE} lists no file '{name}'.")
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise ManifestError(f"{folder / name} cannot be read: {error.strerror}.") from error
        expected, actual = self.files[name].sha256, hashlib.sha256(content).hexdigest()
        if actual != expected:
            raise ManifestError(f"{folder / name} has SHA-256 {actual[:12]}..., the manifest lists {expected[:12]}...")
        return content


def describe_file(path: Path) -> FileEntry:
    """Hash and size of a file, as listed in a manifest."""
    content = path.read_bytes()
    return FileEntry(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def versions(model_folder: Path) -> list[int]:
    """Versions in a model's folder, in ascending order: the folders whose name is a plain positive integer."""
    try:
        with os.scandir(model_folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(name) for name in names if name.isascii() and name.isdigit() and name == str(int(name)) != "0")
