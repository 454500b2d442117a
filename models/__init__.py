"""Neural arithmetic in PyTorch: tensors in, tensors out.

The public names load when they are first used, so that ``import models`` costs no PyTorch and the service can
read a manifest without it.
"""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.head import BuildHead
    from models.image_network import ImageNetwork
    from models.manifest import Manifest
    from models.networks import NAC, NALU, Network

__all__ = ["NAC", "NALU", "BuildHead", "ImageNetwork", "Manifest", "Network"]

_HOMES = {
    "BuildHead": "models.head",
    "Manifest": "models.manifest",
    "NAC": "models.networks",
    "NALU": "models.networks",
    "Network": "models.networks",
    "ImageNetwork": "models.image_network",
}
_OLD_NAMES = {"PictureNetwork": "ImageNetwork"}  # alias: names of 0.1


def __getattr__(name: str) -> object:
    if name in _OLD_NAMES:
        warnings.warn(f"models.{name} is called models.{_OLD_NAMES[name]} now; use that.", FutureWarning, stacklevel=2)
        name = _OLD_NAMES[name]
    if name not in _HOMES:
        raise AttributeError(f"module 'models' has no attribute {name!r}. Available: {', '.join(__all__)}.")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
