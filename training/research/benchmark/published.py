"""Published success rates of this benchmark, each with its source and how it was read."""

from dataclasses import dataclass, field

SLIDES = "bmistry4.github.io, Yr2-VLC-conference.pptx, 2021, 25 seeds; read off a plot, each within 0.01"
MCFC = "bmistry4/nalm-benchmark, notes/MCFC_findings.pdf, 2023, 25 seeds; read off a plot"
SNMU = "arXiv 2211.05624 and bmistry4/nalm-robust-nmu, 2-input figures as in the slides; read off a plot"
DIVISION = "arXiv 2110.05177, abstract, mean of nine ranges and 25 seeds; MSE below 1e-5 by its scripts"
STABLE_NALU = "AndreasMadsen/stable-nalu, paper/results/simple_mul.tex, 100 seeds; from the table"
ARITHMETIC = "AndreasMadsen/stable-nalu, paper/results/sft-last.csv, 100 seeds, up to 5e6 steps; counted from the runs"
DMU = "marict/nalm-benchmark, named_results, 2025, operand selectors frozen, 25 seeds; from the stored runs"

_ORDER = (
    "[-20, -10]",
    "[-2, -1]",
    "[-1.2, -1.1]",
    "[-0.2, -0.1]",
    "[-2, 2]",
    "[0.1, 0.2]",
    "[1, 2]",
    "[1.1, 1.2]",
    "[10, 20]",
)


@dataclass(frozen=True)
class PublishedRate:
    """A published success rate.

    Args:
        unit: in the project's spelling.
        mean: over the ranges.
        source: of the rate, its number of seeds, and how it was read.
        ranges: success rate by range, if known.
    """

    unit: str
    operation: str
    inputs: int
    mean: float
    source: str
    ranges: dict[str, float] = field(default_factory=dict)


def _by_range(unit: str, operation: str, source: str, *rates: float) -> PublishedRate:
    return PublishedRate(unit, operation, 2, sum(rates) / len(rates), source, dict(zip(_ORDER, rates, strict=True)))


PUBLISHED_RATES = (
    _by_range("NAC-dot", "multiply", SLIDES, 0.28, 0.84, 0.72, 0.76, 0, 0.76, 0.84, 0.72, 0.28),
    _by_range("NALU", "multiply", SLIDES, 0.20, 0.60, 0.68, 0, 0, 0.60, 0.84, 0, 0.28),
    _by_range("NMU", "multiply", SLIDES, 1, 0.80, 0.68, 1, 1, 1, 1, 1, 1),
    _by_range("NPU", "multiply", SLIDES, 0, 0, 0, 0, 0.40, 0.52, 1, 0.32, 0.88),
    _by_range("RealNPU", "multiply", SLIDES, 0, 0, 0, 0, 0.08, 0.52, 1, 0.32, 0.88),
    _by_range("sNMU", "multiply", SNMU, *[1] * 9),
    _by_range("NAU", "add", MCFC, *[1] * 9),
    _by_range("MulMCFC without sign", "multiply", MCFC, 0, 0, 0, 0, 0, 1, 1, 1, 1),
    _by_range("MulMCFC", "multiply", MCFC, *[1] * 9),
    _by_range("MC-FC", "add", MCFC, *[1] * 9),
    _by_range("DMU-add", "add", DMU, 1, 1, 1, 0.88, 1, 1, 1, 1, 1),
    _by_range("DMU-sub", "subtract", DMU, *[1] * 9),
    _by_range("DMU-add", "multiply", DMU, *[1] * 9),
    _by_range("DMU-sub", "divide", DMU, 1, 1, 0.80, 0.72, 1, 0.80, 1, 0.80, 1),
    PublishedRate("RealNPU", "divide", 10, 0.702, DIVISION),
    PublishedRate("RealNPU-modified", "divide", 10, 0.853, DIVISION),
    PublishedRate("NMRU", "divide", 10, 0.916, DIVISION),
    PublishedRate("NAU-NMU", "product-of-subsets", 100, 0.98, ARITHMETIC, {"[1, 2]": 0.98}),
    PublishedRate("NAC-NAC-dot", "product-of-subsets", 100, 0.31, ARITHMETIC, {"[1, 2]": 0.31}),
    PublishedRate("NALU-NALU", "product-of-subsets", 100, 0.0, ARITHMETIC, {"[1, 2]": 0.0}),
    PublishedRate("all 10 models", "quotient-of-subsets", 100, 0.0, ARITHMETIC, {"[1, 2]": 0.0}),
    PublishedRate("NAU-NMU", "product-of-sums", 4, 0.94, STABLE_NALU, {"[1, 2]": 0.94}),
    PublishedRate("NAC-NAC-dot", "product-of-sums", 4, 0.13, STABLE_NALU, {"[1, 2]": 0.13}),
    PublishedRate("NALU-NALU", "product-of-sums", 4, 0.26, STABLE_NALU, {"[1, 2]": 0.26}),
)
