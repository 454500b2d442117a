"""docs/examples.md, run from its first block to its last.

The tables come with pvlib and statsmodels, which the tests do not install. Stand-ins with the same columns and the
same laws take their place, so that the commands, messages and formulas are those of the page, but not its figures.
"""

import csv
import json
import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.docs.pages import EXAMPLES, blocks, printed
from tests.docs.test_code_blocks import same_answer
from tests.end_to_end.server import serve
from training.__main__ import main

pytestmark = pytest.mark.slow

WRITE, PYTHON = blocks(EXAMPLES, "python")
FITS = [block for block in blocks(EXAMPLES, "console") if "training fit" in block]
[ASK] = [block for block in blocks(EXAMPLES, "console") if "$ curl" in block]
INCOMPLETE = (75, 80)
"""Rows whose length is missing; the page names the first."""


def package(folder: Path, name: str, version: str, table: str, rows: list[list[object]]) -> None:
    """A package that has nothing but a table."""
    information = folder / f"{name}-{version}.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    path = folder / table
    path.parent.mkdir(parents=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def columns(variable: str) -> list[str]:
    [names] = re.findall(rf'^{variable} = "(.*)"$', WRITE, re.MULTILINE)
    return str(names).split()


def paths() -> dict[str, str]:
    return dict(re.findall(r'"(\w+)", "(\w+/.*\.csv)"', WRITE))


def modules(random: np.random.Generator) -> list[list[object]]:
    names = columns("modules")
    values = random.uniform(1, 40, (100, len(names))).round(3)
    values[:, names.index("STC")] = values[:, names.index("I_mp_ref")] * values[:, names.index("V_mp_ref")]
    rows: list[list[object]] = [list(row) for row in values]
    for number in INCOMPLETE:
        rows[number - 1][names.index("Length")] = ""
    return [list(names), ["Units"] * len(names), ["[0]"] * len(names), *rows]


def economy(random: np.random.Generator) -> list[list[object]]:
    names = columns("economy")
    values = random.uniform(1, 12, (120, len(names))).round(2)
    values[:, names.index("tbilrate")] = random.uniform(0.1, 15, 120).round(2)
    values[:, names.index("infl")] = random.uniform(-9, 15, 120).round(2)
    exact = values[:, names.index("tbilrate")] - values[:, names.index("infl")]
    values[:, names.index("realint")] = (exact + random.choice([-0.01, 0, 0, 0, 0, 0, 0, 0.01], 120)).round(2)
    return [list(names), *[list(row) for row in values]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, in which the first block of the page was run."""
    random = np.random.default_rng(0)
    versions = dict(re.findall(r"(\w+)==([\d.]+)", EXAMPLES.read_text(encoding="utf-8")))
    tables = {"pvlib": modules(random), "statsmodels": economy(random)}
    for name, table in paths().items():
        package(tmp_path / "packages", name, versions[name], table, tables[name])
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    exec(WRITE, {})
    return tmp_path


def without_counts(line: str) -> str:
    return re.sub(r"^[\d,]+ of [\d,]+ ", "", line)


def test_the_page_is_true_from_its_tables_to_its_export(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command, shown in re.findall(
        r"^\$ python -m training (.*)\n((?:[^$\n].*\n|\n)*)", "\n".join(FITS), re.MULTILINE
    ):
        # one start of the MLP, as its figures are not compared
        code, output = main([*shlex.split(command), "--restarts", "1"]), capsys.readouterr()
        lines = (output.out + output.err).splitlines()
        for line in shown.splitlines():
            if line.startswith(("nalu-serve", "modules", "module-power", "economy", "LaTeX", "written", "serve")):
                assert line in lines
            if "rows are incomplete" in line:
                assert without_counts(line) in map(without_counts, lines)
        if code == 0:
            [law] = [line.split() for line in lines if line.startswith("Law")]
            assert float(law[1]) < (0.01 if "economy" in command else 1e-12)
    with serve(folder / "repository") as server:
        _, request, answer = ASK.strip().splitlines()
        line = request.removeprefix("$ ").replace("localhost:8000", server.url.removeprefix("http://"))
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
        same_answer(json.loads(answer), json.loads(done.stdout))
    exec(PYTHON, {})
    assert capsys.readouterr().out.splitlines() == printed(PYTHON)
    assert (folder / "repository/module-power/2/manifest.json").is_file()
