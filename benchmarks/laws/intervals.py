"""python -m benchmarks.laws.intervals: the share of new observations in intervals; ``--write`` keeps the results.

Each table is drawn from a law with noise. Its form is given, as a search of small noisy tables would measure the search
too; its constants are fitted and snapped to simple numbers as ``fit`` does. With ``--search`` the law is searched.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.arrays import FloatArray
from training.metrics import predict
from training.symbolic import find_law
from training.symbolic.candidate import Candidate, Feature, description_length, signs_of
from training.symbolic.constants import fit_constants
from training.symbolic.uncertainty import LawUncertainty, law_uncertainty

RESULTS = Path("docs/results")
SEED = 2026
LEVEL, NEW_ROWS, LOW, HIGH = 0.95, 500, 1.0, 10.0
ROWS = (20, 40, 80, 200, 1000)
SEARCHED_ROWS = (200, 1000)
NOISE_SHARE = 0.01
COLUMNS = ["a", "b", "c"]
CENTRES = ("intervals", "around the formula", "constants taken as known")
"""What is compared: as they are; as wide, around the simple constants; and those without the error of constants."""

DISTRIBUTIONS: dict[str, Callable[[np.random.Generator, int], FloatArray]] = {
    "normal": lambda random, rows: random.normal(size=rows),
    "Laplace": lambda random, rows: random.laplace(size=rows) / 2**0.5,
    "Student's t, 3 degrees": lambda random, rows: random.standard_t(3, rows) / 3**0.5,
    "uniform": lambda random, rows: random.uniform(-(3**0.5), 3**0.5, rows),
}
"""Of noise, each with a standard deviation of 1."""

Form = tuple[Sequence[Sequence[float]], Sequence[float], Sequence[int], Sequence[float]]
FORMS: dict[str, Form] = {
    "a*b": ([[1, 1, 0]], [1], [0], [1]),
    "0.5*a*b**2": ([[1, 2, 0]], [0.5], [0], [1]),
    "2*a + 3*b": ([[1, 0, 0], [0, 1, 0]], [2, 3], [0, 0], [1]),
    "2*a - 3*b + 7": ([[1, 0, 0], [0, 1, 0], [0, 0, 0]], [2, -3, 7], [0, 0, 0], [1]),
    "3*a/(b + 2*c)": ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [3, 1, 2], [0, 1, 1], [1, -1]),
    "1.5*a*b + 0.4*c**2": ([[1, 1, 0], [0, 0, 2]], [1.5, 0.4], [0, 0], [1]),
}
"""Exponents, constants, the sum of each term, and exponents of sums."""
DECAY = "2*b*exp(-0.2*a) + 3"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.laws.intervals", description=__doc__)
    parser.add_argument("--tables", type=int, default=200, help="tables of each distribution (default: 200)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"start of all random numbers (default: {SEED})")
    parser.add_argument("--search", action="store_true", help="search the laws of tables of 200 and 1,000 rows")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS}/intervals.json and intervals.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    kept = json.loads((RESULTS / "intervals.json").read_text()) if (RESULTS / "intervals.json").exists() else {}
    measured = measure(options.tables, options.seed, options.search)
    kept |= {name: {"seed": options.seed, **group} for name, group in measured}
    text = markdown(kept)
    print(text)
    if options.write:
        (RESULTS / "intervals.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "intervals.md").write_text(text, encoding="utf-8")


def measure(tables: int, seed: int, search: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Shares by distribution of the noise; of searched laws, those of normal noise."""
    for name in ["normal"] if search else DISTRIBUTIONS:
        results = [result for number in range(tables) if (result := trial(name, seed, number, search)) is not None]
        yield ("searched" if search else name), {"tables": tables, "found": len(results), "results": results}


def trial(distribution: str, seed: int, number: int, search: bool = False) -> dict[str, Any] | None:
    """One table: the shares of new observations in its intervals; None where no law is found."""
    random = np.random.default_rng([seed, number])
    simple, in_proportion = bool(number % 2), bool(random.integers(2))
    rows = int(random.choice(SEARCHED_ROWS if search else ROWS))
    name, law = _law(random, number, simple, searchable=search)
    x = random.uniform(LOW, HIGH, (rows, 3))
    typical = NOISE_SHARE * float(np.sqrt(np.mean(law.predict(x) ** 2)))

    def observe(inputs: FloatArray) -> FloatArray:
        values = law.predict(inputs)
        size = NOISE_SHARE * np.abs(values) if in_proportion else typical
        return values + size * DISTRIBUTIONS[distribution](random, len(inputs))

    found = _searched(x, observe(x)) if search else _fitted(law, x, observe(x))
    if found is None:
        return None
    predicted, uncertainty = found
    shares = {
        place: _shares(uncertainty, predicted(new), new, observe(new))
        for place, new in (
            ("inside", random.uniform(LOW, HIGH, (NEW_ROWS, 3))),
            ("twice", random.uniform(HIGH, 2 * HIGH, (NEW_ROWS, 3))),
        )
    }
    noise = "proportional" if in_proportion else "constant"
    return {"law": name, "simple": simple, "noise": noise, "rows": rows, **shares}


def _law(random: np.random.Generator, number: int, simple: bool, *, searchable: bool) -> tuple[str, Candidate]:
    """A law, with the constants of its name, or with each up to a fifth off."""
    names = [*FORMS, *([] if searchable else [DECAY])]
    name = names[number // 2 % len(names)]
    exponents, constants, sum_index, sum_exponents = FORMS.get(
        name, ([[0, 1, 0, 1], [0, 0, 0, 0]], [2, 3], [0, 0], [1])
    )

    def candidate(W: Any, C: Any, index: Any, V: Any, features: tuple[Feature, ...] = ()) -> Candidate:
        off = 1.0 if simple else np.exp(random.uniform(-0.2, 0.2, len(C)))
        powers = np.array(W, dtype=np.float64)
        signs = signs_of(powers, np.ones((1, powers.shape[1])))
        return Candidate(powers, signs, np.array(C) * off, np.array(index), np.array(V, dtype=np.float64), features)

    inner = (Feature("exp", (candidate([[1, 0, 0]], [-0.2], [0], [1]),)),) if name == DECAY else ()
    return name, candidate(exponents, constants, sum_index, sum_exponents, inner)


def _fitted(law: Candidate, x: FloatArray, y: FloatArray) -> Any:
    trials = fit_constants(law, x, y)
    best = min(trials, key=lambda trial: description_length(trial.predict(x), y, trial.complexity))
    uncertainty = law_uncertainty(best, x, y, COLUMNS)
    return None if uncertainty is None else (best.predict, uncertainty)


def _searched(x: FloatArray, y: FloatArray) -> Any:
    found = find_law(x, y[:, None], columns=COLUMNS, seed=0)
    if found.uncertainty is None:
        return None
    return lambda inputs: predict(found.network, inputs)[:, 0], found.uncertainty


def _shares(
    uncertainty: LawUncertainty, predicted: FloatArray, inputs: FloatArray, observed: FloatArray
) -> dict[str, float]:
    """The share of observations in each kind of interval."""
    quantiles = uncertainty.fields.quantiles(LEVEL)
    assert quantiles is not None
    spread = predict(uncertainty.spread, inputs)
    low, high = quantiles.intervals(predicted, spread).T
    off, noise = np.abs(observed - predicted), quantiles.noise * spread[:, 1]
    inside = (
        (low <= observed) & (observed <= high),
        off <= np.hypot(noise, quantiles.constants * spread[:, 2]),
        off <= noise,
    )
    return {centre: round(float(np.mean(each)), 4) for centre, each in zip(CENTRES, inside, strict=True)}


def markdown(kept: dict[str, Any]) -> str:
    """The page of results."""
    lines = [
        "# Intervals of predictions\n",
        "`python -m benchmarks.laws.intervals --write` measures this: the share of new observations that lie in "
        f"{LEVEL:.0%} intervals, of {NEW_ROWS} inside the range of each table and {NEW_ROWS} at twice the range, mean "
        f"over tables. Tables have {', '.join(f'{rows:,}' for rows in ROWS)} rows and {NOISE_SHARE:.0%} noise, in "
        "proportion or of one size; half of the laws have simple constants, half any. Around the formula: intervals of "
        "the same width whose centre is the prediction. Constants as known: noise alone. The last row is of laws that "
        "the search found (`--search`), in tables of 200 and 1,000 rows.\n",
        "| Tables | | Inside | Twice the range | Around the formula | twice | Constants as known | twice |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    normal = kept["normal"]["results"] if "normal" in kept else []
    groups: list[tuple[str, list[dict[str, Any]]]] = [
        (f"{name} noise", kept[name]["results"]) for name in DISTRIBUTIONS if name in kept
    ]
    groups += [(f"{rows:,} rows, normal noise", [r for r in normal if r["rows"] == rows]) for rows in ROWS]
    groups += [(f"{kind} noise", [r for r in normal if r["noise"] == kind]) for kind in ("proportional", "constant")]
    groups += [
        ("simple constants", [r for r in normal if r["simple"]]),
        ("any", [r for r in normal if not r["simple"]]),
    ]
    groups += [(f"`{law}`", [r for r in normal if r["law"] == law]) for law in [*FORMS, DECAY]]
    if "searched" in kept:
        tables = kept["searched"]["tables"]
        groups.append((f"searched laws of {tables} tables", kept["searched"]["results"]))
    return "\n".join([*lines, *(_line(title, results) for title, results in groups if results)]) + "\n"


def _line(title: str, results: Iterable[dict[str, Any]]) -> str:
    results = list(results)
    cells = [
        f"{np.mean([result[place][centre] for result in results]):.1%}"
        for centre in CENTRES
        for place in ("inside", "twice")
    ]
    return f"| {title} | {len(results)} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
