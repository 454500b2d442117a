"""The plan: which units learn which operations, with which published hyperparameters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from models.functional import nac_range
from models.hyperparameters import Hyperparameters
from models.units import UNITS
from training.research.benchmark.task import OPERATIONS, PIECEWISE, TWO_LAYERS


@dataclass(frozen=True)
class UnitSpec:
    """A unit, or a stack of units, as the benchmark trains it.

    Args:
        layers: names of the units, first to last.
        options: of their constructors, where they differ from the defaults.
        prepare: sets the published initial values, where they are not the unit's own.
        hidden: width between layers.
    """

    layers: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[Any], None] | None = None
    hidden: int = 2

    def build(self, inputs: int) -> Sequence[nn.Module]:
        """One replica, initialised from PyTorch's random generator."""
        widths = [inputs, *[self.hidden] * (len(self.layers) - 1), 1]
        layers = [UNITS.load(name)(widths[i], widths[i + 1], **self.options) for i, name in enumerate(self.layers)]
        for layer in layers:
            if self.prepare is not None:
                self.prepare(layer)
        return layers

    def hyperparameters(self, operation: str, inputs: int) -> Hyperparameters:
        """The published hyperparameters of its training."""
        if len(self.layers) > 1:  # the published ramp of the regulariser starts at step 1,000,000
            return Hyperparameters(steps=200_000)
        hyperparameters: Hyperparameters = getattr(self.build(inputs)[0], "HYPERPARAMETERS", Hyperparameters())
        return hyperparameters.for_task(operation, inputs)


def _like_stable_nalu(unit: Any) -> None:
    """Initialise NAC and NALU as https://github.com/AndreasMadsen/stable-nalu does, and so this benchmark."""
    nac = getattr(unit, "nac", unit)
    r = nac_range(unit.in_features, unit.out_features)
    nn.init.uniform_(nac.W_hat, -r, r)
    nn.init.uniform_(nac.M_hat, -r, r)
    if hasattr(unit, "G"):
        nn.init.xavier_uniform_(unit.G)


_SPECIAL = {
    "NAC": UnitSpec(("NAC",), prepare=_like_stable_nalu),
    "NALU": UnitSpec(("NALU",), {"shared_weights": True}, _like_stable_nalu),
    "RealNPU-modified": UnitSpec(("RealNPU",), {"modified": True}),
    "DMU-add": UnitSpec(("DMU",), {"frozen": True}),
    "NSR-select": UnitSpec(("NSR-NAU",), {"select": True}),
    "DMU-sub": UnitSpec(("DMU",), {"frozen": True, "subtract": True}),
    "NAU-NMU": UnitSpec(("NAU", "NMU")),
    "NAC-NAC-dot": UnitSpec(("NAC", "NAC-dot"), prepare=_like_stable_nalu),
    "NALU-NALU": UnitSpec(("NALU", "NALU"), {"shared_weights": True}, _like_stable_nalu),
}


def unit_spec(name: str) -> UnitSpec:
    """The specification of a unit, or of a variant of one, by name in any spelling.

    Raises:
        UnknownNameError: no unit has that name.
    """
    return _SPECIAL.get(canonical(name)) or UnitSpec((canonical(name),))


def canonical(name: str) -> str:
    """The one spelling of an entry's name.

    Raises:
        UnknownNameError: no unit or variant has that name.
    """
    return UNITS.canonical(name, also=(*_SPECIAL, LAW))


@dataclass(frozen=True)
class Group:
    """One unit and operation, trained at once on all ranges with all seeds."""

    unit: str
    operation: str
    inputs: int = 2


ARITHMETIC = ("add", "subtract", "multiply", "divide")
POWERS = ("square", "square-root", "reciprocal")
WITHIN_ONE = ("square-root", "reciprocal")
"""The powers that exponents from -1 to 1 can express."""
ALL = (*ARITHMETIC, *POWERS)

LAW = "auto"
"""Symbolic regression, ``training.symbolic``, which is given neither operation nor operands."""

_CAN_LEARN = {
    "NAC": ("add", "subtract"),
    "NAU": ("add", "subtract"),
    "NMU": ("multiply",),
    "sNMU": ("multiply",),
    "NAC-dot": ("multiply", "divide", *WITHIN_ONE),
    "RealNPU": ("multiply", "divide", *POWERS),
    "RealNPU-modified": ("multiply", "divide", *WITHIN_ONE),
    "NPU": ("multiply", "divide", *POWERS),
    "NMRU": ("multiply", "divide", "reciprocal"),
    "NRU": ("multiply", "divide", "reciprocal"),
    "NALU": (*ARITHMETIC, *WITHIN_ONE),
    "iNALU": (*ARITHMETIC, *WITHIN_ONE),
    "G-NALU": (*ARITHMETIC, *WITHIN_ONE),
    "AMU": ALL,
    "MC-FC": ("add",),
    "MulMCFC": ("multiply",),
    "NAC-sigma": ("multiply",),
    "DMU-add": ("add", "multiply"),
    "DMU-sub": ("subtract", "divide"),
    "DMU": ARITHMETIC,
    "NSR": tuple(name for name, operation in OPERATIONS.items() if operation.equal_share is not None),
    "NSR-select": ("minimum", "maximum"),
    "NSR-NAU": ("minimum", "maximum", *PIECEWISE),
}
"""Operations that each unit can express; others would be rows of zeros. A unit that is not listed tries all."""

FINDERS = ("NALU", "iNALU", "G-NALU", "AMU", "DMU")
"""Units that can add and multiply, and so have to find the operation."""

_FIRST = (
    Group("NMU", "multiply"),
    Group("NAU", "add"),
    Group("NAU", "subtract"),
    Group("NMRU", "divide", 10),
    Group("NMRU", "divide"),
    Group("RealNPU-modified", "divide", 10),
    Group("RealNPU-modified", "divide"),
    Group("NAC-dot", "multiply"),
    Group("NALU", "multiply"),
    Group("sNMU", "multiply"),
)
_SMALL = tuple(Group(name, "product-of-sums", 4) for name in ("NAU-NMU", "NAC-NAC-dot", "NALU-NALU"))
_LAWS = (
    *(Group(LAW, operation) for operation in ALL),
    *(Group(LAW, operation, 10) for operation in ALL),
    *(Group(LAW, operation, inputs) for operation, inputs in TWO_LAYERS.items()),
)


def groups(units: Sequence[str] = ()) -> list[Group]:
    """All groups in order, or those of some units."""
    stacks = {group.unit for group in _SMALL}
    names = [*_CAN_LEARN, *(unit for unit in units if unit not in {*_CAN_LEARN, *stacks, LAW})]
    rest = [
        Group(unit, operation, PIECEWISE.get(operation, 2)) for unit in names for operation in _CAN_LEARN.get(unit, ALL)
    ]
    wide = [Group(unit, operation, 10) for unit in ("NAU", "NMU", "NMRU") for operation in _CAN_LEARN[unit]]
    ordered = dict.fromkeys([*_FIRST, *_LAWS, *rest, *_SMALL, *wide])
    return [group for group in ordered if not units or group.unit in units]
