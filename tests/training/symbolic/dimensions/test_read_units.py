"""Units of columns are read by Pint into dimensions, or refused by one sentence that gives the repair."""

import numpy as np
import pytest

from training.symbolic.dimensions.read_units import read_units
from training.symbolic.search_options import search_space


def test_units_are_read_from_text_and_from_a_mapping() -> None:
    text = read_units("mass=kg, speed = km/h,energy=kW*h", ["mass", "speed"], "energy")
    mapping = read_units({"mass": "g", "speed": "m/s", "energy": "J"}, ["mass", "speed"], "energy")
    for found in (text, mapping):
        assert found.bases == ("m", "kg", "s")
        np.testing.assert_array_equal(found.columns, [[0, 1, 0], [1, 0, -1]])
        np.testing.assert_array_equal(found.target, [2, 1, -2])


def test_every_way_to_write_a_power_is_the_same_unit() -> None:
    for unit in ("m/s**2", "m/s^2", "m*s**-2", "m s^-2", "m/s²", "metre/second**2", "m/(s*s)"):
        np.testing.assert_array_equal(read_units({"a": unit, "y": "m/s**2"}, ["a"], "y").columns, [[1, -2]])


def test_a_pure_number_has_no_dimension() -> None:
    found = read_units("count=1,share=%,angle=rad,y=1", ["count", "share", "angle"], "y")
    assert found.columns.shape == (3, 0)


def test_names_that_are_no_columns_are_constants_and_other_targets_are_not() -> None:
    found = read_units("m=kg,h=m,y=J,g=m/s**2,z=K", ["m", "h"], "y", left_out=["y", "z"])
    assert found.constant_names == ("g",)


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ("x=kg,y=foo", "units gives 'y' the unit 'foo', which Pint does not know; give one that Pint knows, such as"),
        ("x=m**9**9**9,y=1", "units gives 'x' the unit 'm.*', which cannot be read; give one that Pint knows"),
        ("x=__import__('os'),y=1", "units gives 'x' the unit '__import.*', which cannot be read"),
        ("x=(m,y=1", r"units gives 'x' the unit '\(m', which cannot be read"),
        ("x=m**30,y=1", "units gives 'x' the unit .*, whose powers exceed 20"),
        ("x=kg", "units has none for the target 'y'; add y=UNIT, or y=1 for a pure number."),
        ("y=kg", "units has none for the column 'x'; add x=UNIT, or x=1 for a pure number, or leave the column out"),
        ("X=kg,y=kg", r"units has none for the column 'x'"),
        ("kg", "units holds 'kg'; give each column as column=unit, such as mass=kg,speed=m/s."),
        ("x=kg,x=g,y=g", "units gives 'x' two units, 'kg' and 'g'; leave one out."),
        ("x=degC,y=J", r"units gives 'x' the unit 'degC', whose 0 is not nothing, .*; convert the column to kelvin"),
        ("x=deg,y=1", r"units gives 'x' the unit 'deg', but sin and cos take radians; .*, and give x=rad\."),
        ("x=m,y=s", "units allow no law: no product of powers of x in m has the unit of 'y', s; add the column that"),
        ("x=m,y=1", "units allow no law: no product of powers of x in m has the unit of 'y', 1; add the column that"),
        ("x=1,y=s", "units allow no law: no product of powers of x in 1 has the unit of 'y', s; add the column that"),
    ],
)
def test_an_unusable_unit_is_refused(units: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search_space(["x"], units=units)


def test_degrees_are_taken_where_no_sine_may_be() -> None:
    assert search_space(["x"], units="x=deg,y=1", functions="exp").dimensions is not None


def test_units_beside_a_form_are_refused() -> None:
    with pytest.raises(ValueError, match="form fixes the law up to its constants, so units has nothing to choose"):
        search_space(["x"], form="a*x", units="x=m,y=m")
