"""Smooth truths that no formula of the dictionary is."""

from collections.abc import Callable

import numpy as np
from scipy import special

from benchmarks.laws.lawless.codes import Maker
from models.arrays import FloatArray


def _times(function: Callable[[FloatArray], FloatArray]) -> Maker:
    return lambda _: lambda x: function(x[:, 0]) * x[:, 1]


def _plus(function: Callable[[FloatArray], FloatArray]) -> Maker:
    return lambda _: lambda x: function(x[:, 0]) + x[:, 1]


def _logistic_map(x: FloatArray) -> FloatArray:
    value = x / (1 + x)
    for _ in range(3):
        value = 3.3 * value * (1 - value)
    return np.asarray(value)


def _iterated_sine(x: FloatArray) -> FloatArray:
    return np.asarray(np.sin(1 + np.sin(1 + np.sin(x))) + 1.5)


SMOOTH: dict[str, Maker] = {
    "erf": _times(lambda a: special.erf(a / 3)),
    "gamma": _times(special.gamma),
    "Bessel J0": _plus(special.j0),
    "Bessel Y0": _plus(special.y0),
    "Airy Ai": _times(lambda a: special.airy(a / 3)[0]),
    "elliptic integral": _times(lambda a: special.ellipk(-a)),
    "zeta": _times(lambda a: special.zeta(1 + a / 2)),
    "Lambert W": _times(lambda a: special.lambertw(a).real),
    "sine integral": _times(lambda a: special.sici(a)[0]),
    "Dawson": _times(special.dawsn),
    "Hill": _times(lambda a: a**2.3 / (5.1**2.3 + a**2.3)),
    "logistic of a sum": lambda _: lambda x: 1 / (1 + np.exp(3 - (x[:, 0] + x[:, 1]) / 4)),
    "real exponents in a sum": lambda _: lambda x: x[:, 0] ** 1.37 + x[:, 1] ** 0.71,
    "real power of a sum": lambda _: lambda x: (x[:, 0] + 3.7) ** 1.6 * x[:, 1],
    "logistic map": _times(_logistic_map),
    "iterated sine": _times(_iterated_sine),
    "tanh": _times(lambda a: np.tanh(a / 3)),
    "exp": _times(lambda a: np.exp(a / 4)),
    "log": _plus(lambda a: 3 * np.log(a)),
    "sine": _plus(np.sin),
    "Antoine": _times(lambda a: 10 ** (4.6543 - 1435.264 / (20 * a + 250 - 64.848))),
    "Planck": _times(lambda a: a**3 / np.expm1(a / 2)),
    "softplus": _times(lambda a: np.log1p(np.exp(a - 4))),
    "a to the a": _times(lambda a: (a / 4) ** (a / 4)),
    "log gamma of a product": lambda _: lambda x: special.gammaln(2 + x[:, 0] * x[:, 1] / 4),
}
"""Of two columns of positive numbers."""
