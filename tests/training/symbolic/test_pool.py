"""The candidates beside the best: one of each shape, and the best of each complexity."""

import numpy as np
import pytest

from training.symbolic import find_law
from training.symbolic.candidate import Candidate
from training.symbolic.pool import SIZE, CandidatePool, PoolEntry
from training.symbolic.search import search

RANDOM = np.random.default_rng(3)
X = RANDOM.uniform(1, 10, (200, 2))
A, B = X.T


def monomial(*exponents: float, constant: float = 2.0) -> Candidate:
    powers = np.array([exponents])
    return Candidate(powers, powers * 0 + 1, np.array([constant]), np.zeros(1, dtype=np.int64), np.ones(1))


def test_of_one_shape_the_shortest_description_is_kept() -> None:
    pool = CandidatePool()
    for constant, length in ((2.0, -5.0), (3.0, -9.0), (4.0, -7.0)):
        pool.offer(PoolEntry(monomial(1, 2, constant=constant), None, length))
    assert [entry.length for entry in pool.shortest()] == [-9.0]


def test_of_many_shapes_the_shortest_are_kept() -> None:
    pool = CandidatePool()
    lengths = RANDOM.permutation(100)
    for power, length in enumerate(lengths.tolist()):
        pool.offer(PoolEntry(monomial(1, power + 1), None, length))
    assert [entry.length for entry in pool.shortest()] == list(range(SIZE))


def test_the_order_of_terms_makes_no_other_shape() -> None:
    exponents, zero = np.array([[1.0, 0.0], [0.0, 2.0]]), np.zeros(2, dtype=np.int64)
    pool = CandidatePool()
    for order in ([0, 1], [1, 0]):
        pool.offer(PoolEntry(Candidate(exponents[order], exponents * 0 + 1, np.ones(2), zero, np.ones(1)), None, 1.0))
    assert len(pool.shortest()) == 1


def test_an_infinite_length_is_not_kept() -> None:
    pool = CandidatePool()
    pool.offer(PoolEntry(monomial(1, 1), None, np.inf))
    assert pool.shortest() == []
    assert pool.front(10) == []


def test_a_longer_formula_is_in_the_front_only_if_it_fits_better() -> None:
    table = np.column_stack([A, B])
    front = search(table, A * B + 0.001 * A, rounds=0).front
    assert [error for _, error in front] == sorted((error for _, error in front), reverse=True)
    complexities = [candidate.complexity for candidate, _ in front]
    assert complexities == sorted(set(complexities))


def test_the_front_holds_the_law_and_its_errors_are_those_of_its_formulas() -> None:
    law = find_law(X, (0.5 * A * B**2)[:, None], columns=["mass", "speed"])
    assert [entry.formula for entry in law.front][-1] == law.formula == "0.5 * mass * speed**2"
    assert law.front[0].complexity < law.front[-1].complexity
    for entry in law.front:
        predicted = eval(entry.formula, {"mass": A, "speed": B, "sqrt": np.sqrt})
        target = 0.5 * A * B**2
        error = np.sqrt(np.mean((predicted - target) ** 2) / np.mean(target**2))
        assert entry.relative_rmse == pytest.approx(error, rel=1e-6, abs=1e-14)


def test_the_progress_line_has_the_best_formula_so_far() -> None:
    reported: list[str] = []
    find_law(X[:60], (A + B**2)[:60, None], columns=["a", "b"], rounds=0, progress=reported.append)
    assert reported[0] == "products and sums"
    assert any(line.startswith("products and sums; so far ") and "b" in line for line in reported)


def test_front_formulas_are_of_the_columns_as_they_are_where_those_are_scaled_for_the_search() -> None:
    law = find_law(X * 1e200, (A * 1e150)[:, None], columns=["a", "b"])
    assert law.formula == law.front[-1].formula == "1.0e-50 * a"
