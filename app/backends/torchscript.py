"""TorchScript, on CPU or CUDA. The only file of the service that imports PyTorch, and only when it is chosen.

Loading TorchScript runs code. Only files whose hash is in the manifest come here.
"""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.backends import BackendError, Predictor
from models.manifest import TORCHSCRIPT_FILE, Manifest


class TorchScriptBackend:
    """Runs ``model.pt``.

    Args:
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        threads: threads of one prediction on the CPU.

    Raises:
        BackendError: PyTorch is not installed, or CUDA is required and missing.
    """

    file = TORCHSCRIPT_FILE

    def __init__(self, device: str, threads: int) -> None:
        try:
            import torch
        except ImportError as error:
            raise BackendError(
                "NALU_BACKEND is torchscript, but PyTorch is not installed: pip install 'nalu-serve[torch]', "
                "or set NALU_BACKEND=onnx."
            ) from error
        if device == "cuda" and not torch.cuda.is_available():
            raise BackendError("NALU_DEVICE is cuda, but PyTorch finds no CUDA device; set NALU_DEVICE=cpu.")
        torch.set_num_threads(threads)
        torch.backends.cudnn.allow_tf32 = False  # its mantissa of 10 bits is too short for sums over many locations
        self._torch = torch
        self.device = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"

    def load(self, content: bytes, manifest: Manifest) -> Predictor:  # noqa: ARG002 - TorchScript names no inputs
        torch, device = self._torch, self.device
        try:
            module = torch.jit.load(io.BytesIO(content), map_location=device).eval()
        except RuntimeError as error:
            raise BackendError(f"PyTorch cannot load it: {str(error).strip().splitlines()[0]}") from error

        def predict(inputs: NDArray[Any]) -> NDArray[Any]:
            with torch.inference_mode():
                output = module(torch.from_numpy(np.require(inputs, requirements=["C", "W"])).to(device))
                return np.asarray(output.cpu().numpy())

        return predict


BACKEND = TorchScriptBackend
