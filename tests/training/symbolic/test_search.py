import re

import numpy as np
import pytest
from scipy.special import erf
from sklearn.datasets import load_diabetes

from training.symbolic.acceptance import UNDECIDED, rejection_reason
from training.symbolic.candidate import Candidate, signs_of
from training.symbolic.deadline import Deadline
from training.symbolic.search import search

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(1, 10, (300, 2))
NOISE = RANDOM.normal(size=300)
A, B = X.T
PRODUCT = A * B**2


def power(*exponents: float, constant: float = 1.0) -> Candidate:
    W = np.array([exponents])
    return Candidate(W, signs_of(W, X), np.array([constant]), np.zeros(1, dtype=np.int64), np.ones(1))


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0, 1e-9, 1e-3, 0.03, 0.05])
def test_a_law_may_leave_rounding_or_little_noise(noise: float) -> None:
    assert rejection_reason(power(1, 2), X, PRODUCT * (1 + noise * NOISE)) is None


def test_more_noise_needs_more_rows_to_see_whether_a_law_bends_at_its_ends() -> None:
    few = rejection_reason(power(1, 2), X[:100], (PRODUCT * (1 + 0.05 * NOISE))[:100])
    assert re.fullmatch(
        r"with noise of [45]\.\d%, 1[3-9]\d rows are needed to see whether a law bends at its ends", few or ""
    )


def test_fifty_noisy_rows_are_enough_for_a_short_law() -> None:
    assert rejection_reason(power(1, 2), X[:50], (PRODUCT * (1 + 0.01 * NOISE))[:50]) is None


@pytest.mark.slow
def test_targets_rounded_to_two_decimals_or_kept_in_float32_have_their_law() -> None:
    assert rejection_reason(power(1, 2), X, np.round(PRODUCT, 2)) is None
    assert rejection_reason(power(1, 2), X, PRODUCT.astype(np.float32).astype(np.float64)) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("candidate", "inputs", "target", "reason"),
    [
        (power(-1, 0), np.vstack([X, [[0, 1]]]), np.append(1 / A, 1), r"does not give finite numbers on every row"),
        (power(1, 2), X[:7], PRODUCT[:7], r"^7 different rows are too few to tell a law from chance$"),
        (power(1, 0), X, PRODUCT, r"^the best candidate leaves \d+% of the target's variance unexplained$"),
        (power(1, 2), X, PRODUCT * (1 + 0.14 * NOISE), r"^the best candidate is off by 1[0-9]%$"),
        (power(1.01, 2), X, A**1.01 * B**2 * (1 + 0.01 * NOISE), r"^the exponents that fit are not simple fractions$"),
        (power(1, 2), X, PRODUCT * (1 + 0.02 * np.sin(A)), r"they can be learned from the columns$"),
        (
            power(1, 2),
            X,
            PRODUCT + 0.01 * NOISE * (1 + 400 * (np.abs(X - 5.5).max(1) > 4)),
            r"^fitted to the inner rows, the best candidate fails on the outer ones$",
        ),
    ],
)
def test_what_is_no_law_is_told_why(candidate: Candidate, inputs: np.ndarray, target: np.ndarray, reason: str) -> None:
    rejection = rejection_reason(candidate, inputs, target)
    assert rejection is not None
    assert re.search(reason, rejection)


@pytest.mark.slow
def test_rows_that_repeat_others_prove_nothing() -> None:
    few = np.repeat(X[:4], 50, axis=0)
    assert (
        rejection_reason(power(1, 2), few, np.repeat(PRODUCT[:4], 50))
        == "4 different rows are too few to tell a law from chance"
    )
    noisy = np.repeat(PRODUCT * (1 + 0.03 * NOISE), 3)
    assert rejection_reason(power(1, 2), np.repeat(X, 3, axis=0), noisy) is None


def test_only_an_exact_fit_is_judged_while_more_candidates_cost_nothing() -> None:
    assert rejection_reason(power(1, 2), X, PRODUCT, noise=False) is None
    assert rejection_reason(power(1, 2), X, PRODUCT * (1 + 0.01 * NOISE), noise=False) == UNDECIDED


M = RANDOM.uniform(-3, 3, (300, 2))
NO_LAWS = {
    "sine": (M, np.sin(M[:, 0])),
    "maximum": (X, np.maximum(A, B)),
    "error function": (X, erf(A / 6)),
    "noise": (X, NOISE),
    "step": (M, np.sign(M[:, 0] + M[:, 1])),
    "remainder": (X, np.mod(A, 1)),
    "product and wave": (X, PRODUCT * (1 + 0.02 * np.sin(A))),
    "bent product": (X, A**0.9 * B * np.exp(0.03 * B) * (1 + 0.001 * NOISE)),
    "few different rows": (np.repeat(X[:4], 50, axis=0), np.repeat([1.0, 4.0, 2.0, 9.0], 50)),
    "either or": (M > 0, (M[:, 0] > 0) != (M[:, 1] > 0)),
    "diabetes": load_diabetes(return_X_y=True),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NO_LAWS)
def test_no_law_is_claimed_where_there_is_none(name: str) -> None:
    inputs, target = (np.asarray(part, dtype=np.float64) for part in NO_LAWS[name])
    found = search(inputs, target, deadline=Deadline.after(0.5))
    assert found.reason
    assert found.reason != UNDECIDED
    assert np.isfinite(found.candidate.predict(inputs)).all()


@pytest.mark.slow
def test_the_kinds_are_told_in_order_and_the_first_law_ends_the_search() -> None:
    reported: list[str] = []
    assert search(X, np.sqrt(A) + 1 / B + B**2, progress=reported.append).reason is None
    kinds = dict.fromkeys(text.split(",")[0] for text in reported)
    assert list(kinds) == ["products and sums", "quotients", "two sums", "functions of products", "sums of products"]
    reported.clear()
    assert search(X, PRODUCT, progress=reported.append).reason is None
    assert reported == ["products and sums"]


def test_without_rounds_or_time_there_is_still_the_best_product_or_sum() -> None:
    for found in (search(M, np.sin(M[:, 0]), rounds=0), search(M, np.sin(M[:, 0]), deadline=Deadline.after(0))):
        assert found.reason
        assert found.reason != UNDECIDED
        assert np.isfinite(found.candidate.predict(M)).all()


def test_a_table_of_two_rows_has_its_mean_at_least() -> None:
    found = search(X[:2], np.array([1.0, 3.0]))
    assert found.candidate.predict(X[:2]).mean() == pytest.approx(2)
    assert found.reason == "2 different rows are too few to tell a law from chance"


@pytest.mark.slow
def test_a_target_that_nothing_learns_ends_the_search_after_one_round() -> None:
    reported: list[str] = []
    assert search(X[:40], NOISE[:40], progress=reported.append).reason
    assert re.search(r"round 1 of \d+$", reported[-1])


def test_a_column_of_few_values_that_any_constants_fit_ends_the_search() -> None:
    code, reported = np.random.default_rng(0).integers(1, 3, 40), list[str]()
    x = np.column_stack([code, np.random.default_rng(1).uniform(1, 10, 40)])
    found = search(x, np.array([3.07, 5.91])[code - 1] * x[:, 1], progress=reported.append)
    assert found.reason is not None
    assert "table of 2 constants" in found.reason
    assert len(set(reported)) == 1
