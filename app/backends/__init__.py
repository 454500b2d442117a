"""What runs a model. One file a backend, which offers its class as ``BACKEND`` and imports its library itself."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol

from numpy.typing import NDArray

from models.manifest import Manifest

NO_BACKENDS = {"cpu", "malloc"}
"""Modules of this package that are shared by its backends."""
BACKENDS = sorted({module.name for module in iter_modules(__path__)} - NO_BACKENDS)
"""Names of all backends."""


class BackendError(RuntimeError):
    """A backend or device that is not there, or a model that a backend cannot load."""


class Predictor(Protocol):
    """A loaded model; several threads may call it at the same time."""

    def __call__(self, inputs: NDArray[Any], /) -> NDArray[Any]:
        """Outputs for a batch of inputs, both shaped and typed as the manifest says."""


class Backend(Protocol):
    """A runtime on a device."""

    file: str
    """The file of a version folder that it loads."""
    device: str
    """``"cpu"`` or ``"cuda"``."""

    def load(self, content: bytes, manifest: Manifest) -> Predictor:
        """Load a model from the bytes of its file.

        Raises:
            BackendError: the bytes are no model that this backend can run as the manifest says.
        """


def create_backend(name: str, device: str, threads: int) -> Backend:
    """Start a backend.

    Args:
        name: one of ``BACKENDS``.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``; auto takes CUDA where the backend has it.
        threads: threads that one prediction may use on the CPU.

    Raises:
        BackendError: there is no such backend, or its library or the device is missing.
    """
    if name not in BACKENDS:
        raise BackendError(f"NALU_BACKEND is '{name}', which is not a backend; choose one of {', '.join(BACKENDS)}.")
    backend: Backend = import_module(f"app.backends.{name}").BACKEND(device, threads)
    return backend
