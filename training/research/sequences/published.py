"""Published figures for these tasks, each with its source."""

from dataclasses import dataclass

TRASK = (
    "Trask et al. 2018, section 4.2; trained on length 10. As recalled from the paper, not verified; without a number "
    "of seeds"
)
MADSEN = (
    "Madsen and Johansen 2020, sequential MNIST, 10 seeds, up to 1,000 epochs; read off the plots of stable-nalu by "
    "pixel, each within 0.01 but for those at length 12, where one marker hides another. Its code labels every "
    "beginning of a sequence, with these tasks the last digit alone"
)


@dataclass(frozen=True)
class PublishedErrors:
    """Figures of one unit, by length.

    Args:
        kind: "mae", or "success".
        source: of the figures, and how they were read.
    """

    task: str
    unit: str
    kind: str
    source: str
    figures: dict[int, float]


def _trask(task: str, unit: str, *errors: float) -> PublishedErrors:
    return PublishedErrors(task, unit, "mae", TRASK, dict(zip((10, 100, 1000), errors, strict=True)))


def _sums(unit: str, *rates: float) -> PublishedErrors:
    lengths = (1, 10, 100, 200, 300, 500, 1000)
    return PublishedErrors("sum", unit, "success", MADSEN, dict(zip(lengths, rates, strict=True)))


def _products(unit: str, *rates: float) -> PublishedErrors:
    lengths = (1, 2, 3, 5, 6, 8, 10, 12, 14, 16, 18, 20)
    return PublishedErrors("product", unit, "success", MADSEN, dict(zip(lengths, rates, strict=True)))


PUBLISHED_ERRORS = (
    _trask("sum", "NAC", 1.42, 7.88, 57.3),
    _trask("sum", "NALU", 5.11, 20.8, 248.9),
    _trask("sum", "LSTM", 14.8, 800.8, 8811.6),
    _trask("count", "NAC", 0.12, 0.76, 3.32),
    _trask("count", "NALU", 0.17, 0.93, 4.18),
    _trask("count", "LSTM", 0.79, 18.2, 198.5),
    _sums("NAU + R_z", 0.7, 0.8, 0.7, 0.7, 0.7, 0.7, 0.8),
    _sums("NAC + R_z", 0.1, 0.2, 0.3, 0.4, 0.6, 0.6, 0.6),
    _sums("NAC", 0.1, 0.1, 0, 0, 0, 0, 0),
    _sums("NALU, LSTM", 0, 0, 0, 0, 0, 0, 0),
    _products("NMU + R_z", 0.9, 1, 1, 1, 0.8, 1, 0.9, 0.7, 1, 1, 0.9, 0.8),
    _products("NAC-dot of NMU + R_z", 1, 0.9, 0.8, 0.8, 0.7, 0.8, 0.7, 0.7, 0.8, 0.6, 0.6, 0.6),
    _products("NAC-dot", 0.5, 0.5, 0.6, 0.6, 0.3, 0.4, 0.1, 0.3, 0.4, 0, 0, 0),
    _products("NALU, LSTM", *[0] * 12),
)
