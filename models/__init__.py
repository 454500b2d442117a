"""Neural arithmetic in PyTorch: tensors in, tensors out.

The public names load when they are first used, so that importing this package costs no PyTorch and the service can
read a manifest without it. ``NAC`` and ``NALU`` are networks of those units, of any widths; every other unit goes by
the name of its class, such as ``NMU``.
"""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .registry import Registry, UnknownNameError

if TYPE_CHECKING:
    from .head import BuildHead
    from .image_network import ImageNetwork
    from .networks import NAC, NALU, Network
    from .units import UNITS
    from .units.amu import AMU as AMU
    from .units.dmu import DMU as DMU
    from .units.g_nalu import GNALU as GNALU
    from .units.inalu import INALU as INALU
    from .units.mcfc import MCFC as MCFC
    from .units.mul_mcfc import MulMCFC as MulMCFC
    from .units.nac_dot import NACDot as NACDot
    from .units.nac_sigma import NACSigma as NACSigma
    from .units.nau import NAU as NAU
    from .units.nmru import NMRU as NMRU
    from .units.nmu import NMU as NMU
    from .units.npu import NPU as NPU
    from .units.nru import NRU as NRU
    from .units.nsr import NSR as NSR
    from .units.nsr_nau import NSRNAU as NSRNAU
    from .units.real_npu import RealNPU as RealNPU
    from .units.snmu import SNMU as SNMU

__all__ = ["NAC", "NALU", "UNITS", "BuildHead", "ImageNetwork", "Network"]

_HOMES = {
    "BuildHead": "head",
    "ImageNetwork": "image_network",
    "Manifest": "manifest",  # alias: models.manifest.Manifest
    "NAC": "networks",
    "NALU": "networks",
    "Network": "networks",
    "UNITS": "units",
}
_OLD_NAMES = {"PictureNetwork": "ImageNetwork"}  # alias: names of 0.1
_UNITS: Registry[Any] = Registry("unit", f"{__name__}.units", "UNIT")  # as UNITS, but needs no PyTorch to list them


def __getattr__(name: str) -> Any:
    if name in _OLD_NAMES:
        new = _OLD_NAMES[name]
        warnings.warn(f"{__name__}.{name} is called {__name__}.{new} now; use that.", FutureWarning, stacklevel=2)
        name = new
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    unit = _unit(name)
    if unit is None:
        listed = f"{', '.join(__all__)} and the classes of units"
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}. Available: {listed}.")
    return unit


def _unit(name: str) -> Any:
    """The unit whose class has a name; None where there is none, which imports no PyTorch unless a file may have it."""
    try:
        unit = _UNITS.load(name)
    except UnknownNameError:
        return None
    return unit if unit.__name__ == name else None


def __dir__() -> list[str]:
    return __all__
