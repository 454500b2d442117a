"""The judge of the law benchmark: what it takes for the law, and what it does not."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.laws import __main__ as command
from benchmarks.laws.cases import CASES
from benchmarks.laws.evaluation import evaluate
from benchmarks.laws.generate import Case, RandomLaw, Term
from benchmarks.laws.lawless import KINDS, lawless_case
from benchmarks.laws.lawless_tables import tables
from benchmarks.laws.report import LIMITS, write
from benchmarks.laws.unary_laws import UNARY_CASES


def case(kind: str, number: int = 0) -> Case:
    return CASES[kind](np.random.default_rng([0, zlib.crc32(kind.encode()), number]))


def made_of(law: RandomLaw, *, noisy: bool = False) -> Case:
    inputs = np.random.default_rng(0).uniform(1, 2, (100, 5)) * [1, 1, -1, -1, 1]
    return Case(law, inputs, law(inputs)[:, None], 5 * inputs, noisy)


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_a_case_is_a_table_that_its_law_fits_inside_and_outside_the_range(kind: str) -> None:
    for number in range(10):
        drawn = case(kind, number)
        rows = int(kind.removeprefix("small-")) if kind.startswith("small-") else 1000
        assert drawn.inputs.shape == (rows, len(drawn.columns))
        assert drawn.outside.shape == (1000, len(drawn.columns))
        assert np.isfinite(drawn.target).all()
        beyond = np.abs(drawn.outside) >= np.abs(drawn.inputs).max(0) - 1e-9
        assert (beyond.any(1).all() if kind in UNARY_CASES else beyond.all()) or kind in (
            "sums",
            "quotients",
            "hard-quotients",
        )
        evaluation = evaluate(drawn, str(drawn.law))
        assert evaluation.found, str(drawn.law)


PRODUCT = RandomLaw((Term(0.5, (1.0, 0.5, 2.0, 0.0, 0.0)),))
QUOTIENT = RandomLaw(
    (Term(1.0, (1.0, 1.0, 0.0, 0.0, 0.0)),), (Term(1.0, (1.0, 0.0, 0.0, 0.0, 0.0)), Term(2.0, (0.0,) * 4 + (1.0,)))
)


@pytest.mark.parametrize(
    ("law", "formula", "found"),
    [
        (PRODUCT, "sqrt(b)*a*c**2/2", True),
        (PRODUCT, "0.5*a*b**0.5*Abs(c)**2", True),
        (PRODUCT, "0.50001*a*b**0.5*c**2", False),
        (PRODUCT, "0.5*a*b**0.5*c**2 + 0.001*d", False),
        (PRODUCT, "0.5*a*b**0.5*c*Abs(c)", False),
        (PRODUCT, "0.5*a*b**0.5*c**2*log(e)", False),
        (PRODUCT, "3", False),
        (PRODUCT, None, False),
        (QUOTIENT, "a*b/(a + 2*e)", True),
        (QUOTIENT, "b/(1 + 2*e/a)", True),
        (QUOTIENT, "a*b/(a + 2.001*e)", False),
    ],
)
def test_a_formula_is_judged_by_its_values(law: RandomLaw, formula: str | None, found: bool) -> None:
    assert evaluate(made_of(law), formula).found is found


@pytest.mark.parametrize(
    ("formula", "found"),
    [
        ("0.48*a*b**0.5*c**2", True),
        ("-0.5*a*b**0.5*c**2", False),
        ("0.5*a*b**0.51*c**2", False),
        ("0.5*a*b**0.5*c**2*d**0.01", False),
        ("0.5*a*b**0.5*c**2 + 1", False),
    ],
)
def test_with_noise_exponents_and_sign_decide(formula: str, found: bool) -> None:
    assert evaluate(made_of(PRODUCT, noisy=True), formula).found is found


def test_twenty_tables_follow_no_law_and_the_seed_draws_them() -> None:
    first, again = list(tables(1)), list(tables(1))
    assert len(first) == 20
    for table, other in zip(first, again, strict=True):
        assert table.inputs.shape == (len(table.target), len(table.columns))
        assert np.isfinite(table.inputs).all()
        np.testing.assert_array_equal(table.target, other.target)


@pytest.mark.parametrize(
    ("formula", "found"),
    [
        ("1.02*a*b/(a + 1.97*e)", True),
        ("b/(1 + 2.1*e/a)", True),
        ("a*b/(a + 2*e + 0.01)", False),
        ("a*b/(a + 2*e**2)", False),
        ("a*b*exp(-e)", False),
    ],
)
def test_with_noise_a_quotient_is_judged_by_its_terms(formula: str, found: bool) -> None:
    assert evaluate(made_of(QUOTIENT, noisy=True), formula).found is found


@pytest.mark.parametrize("kind", KINDS)
def test_a_claim_in_a_lawless_table_is_false_unless_it_is_the_truth(kind: str) -> None:
    drawn = lawless_case(7, list(KINDS).index(kind))
    assert drawn.kind == kind
    assert np.isfinite(drawn.target).all()
    known = np.isfinite(drawn.truth).any()
    assert drawn.is_false(drawn.error(drawn.truth)) is not bool(known)
    assert drawn.is_false(drawn.error(drawn.truth * (1.01 + 20 * drawn.noise)))
    assert drawn.is_false(drawn.error(np.full(len(drawn.truth), np.nan)))


def test_the_page_says_of_each_kind_what_its_seconds_were_counted_by(tmp_path: Path) -> None:
    results = [{"truth": "a", "formula": "a", "right": True, "seconds": 1.0}]
    earlier = {"products": {"seed": 1, "machine": "one core", "results": results}}
    (tmp_path / "laws.json").write_text(json.dumps(earlier), encoding="utf-8")
    write(tmp_path, "sums", 1, results)
    before, after = (tmp_path / "laws.md").read_text(encoding="utf-8").split("\n## Sums")
    assert "\nSeconds on one core.\n" in before
    assert "\nSeconds of the processor on one core of " in after


def test_rivals_of_a_lawless_table_are_founded_where_each_explains_the_rows_and_parts_where_it_is_said() -> None:
    drawn = replace(lawless_case(7, list(KINDS).index("erf")), noise=0.01)
    assert drawn.explains(drawn.exact * 1.009)
    assert not drawn.explains(drawn.exact * 1.011)
    assert drawn.parts(1.0, 1.011)
    assert drawn.parts(1.0, np.nan)
    assert not drawn.parts(1.0, 1.009)


def test_the_page_counts_rivals_and_those_that_are_unfounded(tmp_path: Path) -> None:
    claim = {"truth": "erf", "formula": None, "right": True, "seconds": 1.0}
    results = [{**claim, "rivals": rivals, "founded": founded} for rivals, founded in (([], True), (["a"], False))]
    write(tmp_path, "lawless", 1, results)
    page = (tmp_path / "laws.md").read_text(encoding="utf-8")
    assert "1 of 2 end with rivals, of which none is claimed. 1 of those tables have unfounded ones: " in page
    write(tmp_path, "lawless", 1, results[:1])
    assert "None of them ends with rivals." in (tmp_path / "laws.md").read_text(encoding="utf-8")


def test_an_interruption_loses_the_kind_that_it_meets_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[tuple[str, int]] = []

    def measure(_: object, kind: str, count: int, seed: int) -> Iterator[dict[str, object]]:
        yield {"truth": "a", "formula": "a", "right": True, "error": 0.0, "network": 0.0, "seconds": 0.1}
        if kind == list(LIMITS)[1]:
            raise KeyboardInterrupt

    monkeypatch.setattr(command, "measure", measure)
    monkeypatch.setattr(command, "write", lambda folder, kind, seed, results: written.append((kind, len(results))))
    monkeypatch.setattr("sys.argv", ["laws", "--write"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 130
    assert written == [(next(iter(LIMITS)), 1)]
    sentence = "Interrupted; nothing of this kind is kept. With --write, the kinds before it are."
    assert capsys.readouterr().err.strip() == sentence
    monkeypatch.setattr("sys.argv", ["laws", "--help"])
    with pytest.raises(SystemExit):
        command.main()
    assert "after each kind: an interruption loses the kind that it meets" in " ".join(capsys.readouterr().out.split())
