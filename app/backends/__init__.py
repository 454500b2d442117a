"""Runtimes for models. Each file is a backend: its class is ``BACKEND``, and it alone imports its library."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol

from models.manifest import Manifest

NO_BACKENDS = {"cpu", "malloc", "tensors"}
"""Modules of this package that are shared by its backends."""
BACKENDS = sorted({module.name for module in iter_modules(__path__)} - NO_BACKENDS)
"""Names of all backends."""


class BackendError(RuntimeError):
    """A backend or device is missing, or a backend cannot load a model."""


class Predictor(Protocol):
    """A loaded model; several threads may call it at the same time."""

    def __call__(self, inputs: Any, /) -> Any:
        """Outputs for a batch of inputs, ``Tensors`` of the manifest's shapes and datatypes both.

        Raises:
            InvalidInputError: an imported graph rejects the values.
        """


class Backend(Protocol):
    """A runtime on a device."""

    file: str
    """The file of a version folder that it loads."""
    device: str
    """``"cpu"`` or ``"cuda"``."""

    def load(self, content: bytes, manifest: Manifest) -> Predictor:
        """Load a model from the bytes of its file.

        Raises:
            BackendError: this backend cannot run the bytes as the manifest promises.
        """


def create_backend(name: str, device: str, threads: int) -> Backend:
    """Start a backend.

    Args:
        name: one of ``BACKENDS``.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``; auto is CUDA where the backend has it.
        threads: threads that one prediction may use on the CPU.

    Raises:
        BackendError: there is no such backend, or its library or the device is missing.
    """
    if name not in BACKENDS:
        raise BackendError(f"NALU_BACKEND is '{name}', which is not a backend; choose one of {', '.join(BACKENDS)}.")
    backend: Backend = import_module(f"app.backends.{name}").BACKEND(device, threads)
    return backend
