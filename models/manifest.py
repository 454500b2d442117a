"""Manifest: what an exported model promises. The one thing that training writes and the service reads.

A model lies in ``<repository>/<name>/<version>/`` as ``model.onnx``, ``model.pt``, ``weights.safetensors`` and
``manifest.json``. This file needs no PyTorch.
"""

import hashlib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

MANIFEST_FILE = "manifest.json"
ONNX_FILE = "model.onnx"
TORCHSCRIPT_FILE = "model.pt"
WEIGHTS_FILE = "weights.safetensors"

ModelTask = Literal["arithmetic", "image-regression", "image-classification"]

CHANNELS = {"L": 1, "RGB": 3}
"""Channels of each picture mode, by Pillow's name of the mode."""

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Model names are folder names and parts of a URL: letters, digits, dot, underscore and hyphen, up to 64."""


class ManifestError(ValueError):
    """A manifest that cannot be read or that contradicts itself."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tensor(_Strict):
    """An input or output: its name, datatype (``FP64``, ``FP32``, ``UINT8``), shape (-1: free) and column names."""

    name: str
    datatype: Literal["FP64", "FP32", "UINT8"]
    shape: list[int]
    columns: list[str] | None = None


class ImageInput(_Strict):
    """How pictures enter: colour mode, and what ``height`` and ``width``, in pixels, are.

    With ``resize``, every picture is brought to that size by the graph. Without, and where the input's shape leaves the
    size free, they are the smallest size that is taken, and larger pictures come as they are: whoever counts or adds
    over places needs things to keep their size. Where the shape fixes the size, pictures must have exactly that.
    """

    mode: Literal["L", "RGB"]
    height: int = Field(ge=1)
    width: int = Field(ge=1)
    resize: bool


class Training(_Strict):
    """Where the model comes from. ``ranges``: lowest and highest value trained on, for each input column."""

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
    """What an exported model promises: its shapes, the range it was trained on, the errors that were measured."""

    name: str = Field(pattern=NAME_PATTERN)
    version: int = Field(ge=1)
    task: ModelTask
    summary: str
    inputs: list[Tensor] = Field(min_length=1, max_length=1)
    outputs: list[Tensor] = Field(min_length=1, max_length=1)
    classes: list[str] | None
    image: ImageInput | None
    unit: str
    dims: list[int]
    formula: str | None
    latex: str | None = None
    training: Training
    metrics: dict[str, dict[str, Any]]
    files: dict[str, FileEntry]

    @model_validator(mode="after")
    def _agree(self) -> Self:
        given, answered = self.inputs[0], self.outputs[0]
        if self.task == "image-classification" and len(self.classes or ()) < 2:
            raise ValueError("task 'image-classification' needs at least two 'classes'")
        if self.task == "arithmetic":
            self._agree_on_columns(given, answered)
        else:
            self._agree_on_pictures(given)
        outputs = {"image-regression": 1, "image-classification": len(self.classes or ())}.get(self.task)
        if len(answered.shape) != 2 or answered.shape[0] != -1 or outputs not in (None, answered.shape[1]):
            raise ValueError(
                f"a model of task '{self.task}' has outputs of shape [-1, {outputs or 'number of outputs'}]"
            )
        return self

    def _agree_on_columns(self, given: Tensor, answered: Tensor) -> None:
        if (given.datatype, answered.datatype) != ("FP64", "FP64"):
            raise ValueError("arithmetic is FP64 from end to end")
        if len(given.shape) != 2 or given.shape[0] != -1 or given.shape[1] < 1:
            raise ValueError("an arithmetic model has inputs of shape [-1, number of columns]")
        width = given.shape[1]
        if len(self.columns) != width or len(self.training.ranges) != width:
            raise ValueError(f"an arithmetic model of {width} inputs needs {width} columns and {width} ranges")

    def _agree_on_pictures(self, given: Tensor) -> None:
        if self.image is None:
            raise ValueError(f"task '{self.task}' needs 'image'")
        channels = CHANNELS[self.image.mode]
        sizes = [[-1, channels, -1, -1], [-1, channels, self.image.height, self.image.width]]
        allowed = sizes[: 1 if self.image.resize else 2]
        if given.shape not in allowed:
            listed = " or ".join(map(str, allowed))
            how = "that are resized" if self.image.resize else "that are not resized"
            raise ValueError(
                f"pictures of mode {self.image.mode} {how} are inputs of shape {listed}, not {given.shape}"
            )

    @property
    def columns(self) -> list[str]:
        """Names of the input columns; empty for pictures."""
        return self.inputs[0].columns or []

    @property
    def any_size(self) -> bool:
        """Whether pictures come unresized, in any size from ``image.height`` x ``image.width`` on."""
        return self.image is not None and not self.image.resize and self.inputs[0].shape[2] == -1

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read ``manifest.json`` of a version folder.

        Raises:
            ManifestError: the file is missing, is no JSON or is no manifest.
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
        """Read a file of the version folder whose hash this manifest vouches for.

        Returns:
            The very bytes that were hashed, so that nothing can change between the check and the use.

        Raises:
            ManifestError: the file is missing, is not listed, or differs from what the manifest lists.
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
    """Hash and size of a file, as a manifest lists them."""
    content = path.read_bytes()
    return FileEntry(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def versions(model_folder: Path) -> list[int]:
    """Versions that lie in a model's folder, lowest first. Anything but a plain positive number is no version."""
    names = (entry.name for entry in model_folder.iterdir() if entry.is_dir()) if model_folder.is_dir() else ()
    return sorted(int(name) for name in names if name.isascii() and name.isdigit() and name == str(int(name)) != "0")
