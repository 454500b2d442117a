"""Whether units of a candidate agree, the dimensionless groups, and the search among the laws in which they agree."""

import numpy as np
import pytest

from models.arrays import FloatArray
from training.symbolic.candidate import Candidate, signs_of
from training.symbolic.dimensionless.groups import DimensionlessGroups
from training.symbolic.dimensions.dimensions import Dimensions
from training.symbolic.dimensions.read_units import read_units
from training.symbolic.find_law import find_law
from training.symbolic.search_options import search_space

COLUMNS = ["m", "v", "h"]
ENERGY = "m=kg,v=m/s,h=m,y=J"


def sum_of(exponents: list[list[float]], constants: list[float]) -> Candidate:
    powers = np.array(exponents)
    return Candidate(
        powers,
        signs_of(powers, -np.ones_like(powers)),
        np.array(constants),
        np.zeros(len(powers), np.int64),
        np.ones(1),
    )


def draw(columns: int, rows: int = 200) -> FloatArray:
    return np.random.default_rng(8).uniform(1, 5, (rows, columns))


def of(units: str) -> Dimensions:
    return read_units(units, COLUMNS, "y")


def test_terms_of_one_unit_agree_and_others_do_not() -> None:
    kinetic, fall = [1.0, 2.0, 0.0], [1.0, 0.0, 1.0]
    assert of(ENERGY).agree(sum_of([kinetic], [0.5]))
    assert not of(ENERGY).agree(sum_of([kinetic, fall], [0.5, 9.81]))
    assert of(f"{ENERGY},g=m/s**2").agree(sum_of([kinetic, fall], [0.5, 9.81]))
    assert not of(f"{ENERGY},g=m/s").agree(sum_of([kinetic, fall], [0.5, 9.81]))


def test_the_remark_tells_the_unit_of_a_factor() -> None:
    assert of(ENERGY).remark_on(sum_of([[1, 2, 0]], [0.5])) == "The units of the law agree."
    assert of(ENERGY).remark_on(sum_of([[1, 0, 1]], [9.81])).startswith("The law's factor has the unit m/s**2; ")
    assert of(ENERGY).remark_on(sum_of([[1, 2, 0], [1, 0, 1]], [1, 1])).startswith("The law holds in these units alone")


@pytest.mark.parametrize(
    "units", [ENERGY, f"{ENERGY},g=m/s**2", "m=kg,v=m/s,h=m,y=kg**0.5*m", "m=1,v=m,h=m,y=m", "m=N,v=m/s,h=W,y=1"]
)
def test_groups_have_no_dimension_and_the_unit_has_that_of_the_target(units: str) -> None:
    dimensions = of(units)
    groups = DimensionlessGroups.of(dimensions, draw(3))
    assert groups is not None
    columns, target = dimensions.reduced()
    np.testing.assert_allclose(groups.groups @ columns, 0, atol=1e-12)
    np.testing.assert_allclose(groups.unit @ columns, target, atol=1e-12)
    assert len(groups.groups) == 3 - np.linalg.matrix_rank(columns)


def test_a_candidate_of_groups_is_the_same_law_of_the_columns() -> None:
    inputs, dimensions = draw(3), of("m=kg,v=m/s,h=m/s,y=J")
    groups = DimensionlessGroups.of(dimensions, inputs)
    assert groups is not None
    table, _, unit = groups.table(inputs, inputs[:, 0])
    found = sum_of([[1.0], [2.0], [0.0]], [2.0, -0.7, 3.0])
    of_columns = groups.restored(found)
    np.testing.assert_allclose(of_columns.predict(inputs), found.predict(table) * unit, rtol=1e-12)
    assert dimensions.agree(of_columns)


def test_no_groups_where_no_positive_column_can_repeat() -> None:
    assert DimensionlessGroups.of(of(ENERGY), -draw(3)) is None
    assert DimensionlessGroups.of(of("m=1,v=1,h=1,y=1"), draw(3)) is None


@pytest.mark.slow
def test_units_find_a_sum_of_products_among_plain_sums() -> None:
    inputs, columns = draw(4), ["m", "u", "v", "w"]
    m, u, v, w = inputs.T
    target = (m * u**2 + 0.5 * m * u * v + 3 * m * u * w)[:, None]
    known = search_space(columns, units="m=kg,u=m/s,v=m/s,w=m/s,y=J")
    found = find_law(inputs, target, columns=columns, space=known, rounds=0)
    assert found.formula == "m * u**2 + 0.5 * m * u * v + 3 * m * u * w"
    assert found.remark == "The units of the law agree."
    assert find_law(inputs, target, columns=columns, rounds=0).formula is None


def test_a_law_whose_number_has_a_unit_is_found_too_and_said_so() -> None:
    inputs, space = draw(3), search_space(COLUMNS, units=ENERGY)
    found = find_law(inputs, 9.81 * inputs[:, :1] * inputs[:, 2:], columns=COLUMNS, space=space, rounds=0)
    assert found.formula == "9.81 * m * h"
    assert found.remark is not None
    assert found.remark.startswith("The law's factor has the unit m/s**2; ")
