"""docs/worked-examples.md: its commands, laws and responses.

``python -m benchmarks.examples`` runs the page on the real tables. Here stand-ins with the same columns and the same
laws take their place, so that messages, formulas and fitted numbers are those of the page, but not its errors.
"""

import csv
import json
import re
import shlex
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from benchmarks.examples import run
from tests.docs.pages import WORKED_EXAMPLES, blocks, read
from training.__main__ import main

pytestmark = pytest.mark.slow
[WRITE] = blocks(WORKED_EXAMPLES, "python")
FITS = re.findall(r"^\$ python -m training (.*)\n((?:[^$`].*\n|\n)*)", read(WORKED_EXAMPLES), re.MULTILINE)
RESPONSES = re.findall(r"^\$ curl .* -d '(.*)'\n(.*)$", read(WORKED_EXAMPLES), re.MULTILINE)
GAS_CONSTANT = 8.314462618


def put(folder: Path, path: str, rows: list[list[object]], delimiter: str = ",") -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)


def critical(random: np.random.Generator) -> list[list[object]]:
    t, p, z = random.uniform(200, 900, 150), random.uniform(1e6, 8e6, 150), random.uniform(0.2, 0.35, 150)
    v = z * GAS_CONSTANT * t / p
    z = (z * (1 + 0.004 * random.standard_normal(150))).round(3)
    return [["CAS", "Tc", "Pc", "Vc", "Zc"], *[list(row) for row in zip(range(150), t, p, v, z, strict=True)]]


def modules(random: np.random.Generator) -> list[list[object]]:
    o, a, r = random.uniform(1e-10, 1e-9, 200), random.uniform(1.5, 2, 200), random.uniform(200, 500, 200)
    v = a * random.uniform(20, 26, 200)
    light = o * np.exp(v / a) + v / r
    table = [list(row) for row in zip(light, o, v, a, r, strict=True)]
    return [["I_L_ref", "I_o_ref", "V_oc_ref", "a_ref", "R_sh_ref"], ["A"] * 5, ["[0]"] * 5, *table]


def hours(_: np.random.Generator) -> list[list[object]]:
    rows: list[list[object]] = [["station"], ["Date", "Time", "ETR", "ETRN"]]
    for number in range(365):
        angle = 2 * np.pi * number / 365
        light = 1367 * (1.00011 + 0.034221 * np.cos(angle) + 0.00128 * np.sin(angle) + 0.000719 * np.cos(2 * angle))
        day = (date(2001, 1, 1) + timedelta(number)).strftime("%m/%d/%Y")
        rows += [[day, "11:00", 0, 1], [day, "12:00", 0, round(light)]]
    return rows


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, in which the first block of the page was run."""
    random, packages = np.random.default_rng(0), tmp_path / "packages"
    for name, version in re.findall(r"(\w+)==([\d.]+)", read(WORKED_EXAMPLES)):
        put(packages, f"{name}-{version}.dist-info/METADATA", [])
        (packages / f"{name}-{version}.dist-info/METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    [first, second, third] = re.findall(r'"((?:chemicals|pvlib)/.*?)"', WRITE)
    put(packages, first, critical(random), "\t")
    put(packages, second, modules(random))
    put(packages, third, hours(random))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(packages))
    exec(WRITE, {})
    return tmp_path


def test_the_commands_print_the_page_s_laws_and_messages(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All but the last, whose judgement takes seconds."""
    assert len(FITS) == 4
    for command, shown in FITS[:3]:
        # one start of the MLP, as its figures are not compared
        main([*shlex.split(command), "--restarts", "1"])
        output = capsys.readouterr()
        lines = (output.out + output.err).splitlines()
        for line in shown.splitlines():
            if line.startswith(("nalu-serve", "The ", "critical", "cells", "LaTeX", "written", "serve")):
                assert line in lines
        [fitted] = [line for line in lines if line.startswith("fitted")] or [""]
        if "R=J" in command:
            assert 1 / float(fitted.split()[1]) == pytest.approx(GAS_CONSTANT, rel=1e-3)


def test_the_page_s_responses_are_what_its_formulas_give() -> None:
    (critical, first), (cells, second), (_, third) = ((json.loads(a), json.loads(b)) for a, b in RESPONSES)
    [[t, p, v]] = critical["inputs"]
    assert first["predictions"][0][0] == pytest.approx(0.1203 * p * v / t)
    [[o, voltage, a, r]] = cells["inputs"]
    assert second["predictions"][0][0] == pytest.approx(o * np.exp(voltage / a) + voltage / r)
    [[low, high]] = second["intervals"]
    assert low < second["predictions"][0][0] < high
    assert third["formula"] is None
    assert third["extrapolated"] == [False, True]


def test_the_script_puts_what_commands_print_into_their_block(tmp_path: Path) -> None:
    """Text about a server that a command prints starts none."""
    block = "```console\n$ echo one\n1\nserve    python -m app\n$ printf '2\\n3\\n'\n2\n...\n```"
    match = re.search(r"```(python|console)\n(.*?)```", block, re.DOTALL)
    assert match is not None
    assert run(match, tmp_path, tmp_path) == block.replace("\n1\nserve    python -m app\n", "\none\n")
