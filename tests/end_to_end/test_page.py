"""The pages at / and /docs in a real browser with no network: what a person does, and what they then read."""

import contextlib
import csv
import io
import json
import math
import re
import shutil
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from benchmarks.page.visitor import CHROMIUM, Scheme, Visitor, chromium
from models.manifest import Manifest
from tests.app.factory import add_file, write_image, write_sum, write_uncertain
from tests.app.imported import write_mixed
from tests.app.raw_http import listening
from tests.app.test_imported_table import write_unknown_range
from tests.end_to_end.server import ROOT
from training.report.card import render_report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; apt-get install chromium runs this test."),
]

MODELS = ("digit", "digit-sum", "kinetic-energy")
MOST_ROWS = 3000
SIGHTS: list[tuple[str, Scheme]] = [("wide", "light"), ("phone", "dark")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    for name in MODELS:
        shutil.copytree(ROOT / "repository" / name, root / name)
    write_mixed(root)
    write_sum(root, "long", formula=" + ".join(f"column_{place} * b" for place in range(40)))
    write_uncertain(root)
    write_unknown_range(root)
    write_image(root, "tiny", "brightness", fixed=True)
    folder = root / "kinetic-energy" / "1"
    add_file(folder, "report.html", render_report(folder, Manifest.read(folder)))
    damaged = root / "broken" / "1"
    damaged.mkdir(parents=True)
    (damaged / "manifest.json").write_text("{}")
    return root


@pytest.fixture(scope="module")
def address(repository: Path) -> Iterator[str]:
    with listening(repository, max_rows=MOST_ROWS) as live:
        yield f"http://127.0.0.1:{live.port}/"


@pytest.fixture(scope="module")
def person(browser: Browser, address: str) -> Iterator[Visitor]:
    visitor = Visitor(browser, address)
    yield visitor
    visitor.close()


@pytest.fixture
def visitor(person: Visitor, address: str) -> Iterator[Visitor]:
    """Somebody who sees no error, and whose browser asks nobody but the service."""
    yield person
    person.prefer("wide", "light")
    errors, person.errors = person.errors, []
    assert errors == []
    assert person.hosts == {address.split("/")[2]}


def test_three_drawn_digits_are_read_as_their_sum(visitor: Visitor) -> None:
    visitor.open("digit-sum")
    visitor.draw([7, 3, 5])
    expect(visitor.answer).to_have_text(re.compile(r"^(14\.9\d|15|15\.0\d)$"))


def test_a_drawn_digit_is_read_wherever_on_the_canvas_it_stands(visitor: Visitor) -> None:
    visitor.open("digit")
    visitor.draw([7], scale=5)
    expect(visitor.answer).to_have_text("7")
    visitor.page.get_by_role("button", name="Clear").click()
    expect(visitor.page.get_by_text("Nothing yet.")).to_be_visible()
    visitor.draw([4], scale=9, left=200)
    expect(visitor.answer).to_have_text("4")


def test_the_example_beyond_the_training_values_is_answered_with_a_warning(visitor: Visitor) -> None:
    visitor.open("digit-sum")
    visitor.page.get_by_role("button", name="Use example digits").click()
    expect(visitor.page.locator(".headline")).to_have_text("30")
    assert "outside 0 to 27" in visitor.page.locator(".warnings").inner_text()


def test_pasted_rows_get_answers_and_those_outside_the_range_are_marked_in_words(visitor: Visitor) -> None:
    visitor.open("kinetic-energy")
    rows = [(2, 3), (4.5, 5), (20, 3), (2, 300), (0.5, 10)]
    shown = visitor.paste_rows("speed\tmass\n" + "\n".join(f"{speed}\t{mass}" for mass, speed in rows))
    assert [[float(cell) for cell in row[:3]] for row in shown] == [[m, v, 0.5 * m * v * v] for m, v in rows]
    assert [row[3] for row in shown] == ["inside", "inside", "outside", "outside", "outside"]
    expect(visitor.page.get_by_role("tabpanel")).to_contain_text("[[2,3],[4.5,5],[20,3],[2,300],[0.5,10]]")


def test_the_plot_shows_the_mlp_beside_the_model_and_is_read_with_the_keyboard(visitor: Visitor) -> None:
    visitor.open("kinetic-energy")
    plot = visitor.page.get_by_role("img", name="energy along speed from 0 to 100, trained on 1 to 10")
    assert plot.locator("path.model-curve, path.mlp-curve").count() == 2
    assert plot.locator(".band rect").count() == 1
    slider = visitor.page.get_by_role("slider")
    slider.press("End")
    mlp = json.loads((ROOT / "repository/kinetic-energy/1/curves.json").read_text())["curves"][1]["mlp"][-1]
    expected = f"speed 100: this model {0.5 * 5.5 * 100**2:.0f}, MLP of equal size {mlp:.0f}"
    expect(visitor.page.locator(".reader output")).to_have_text(expected)
    visitor.page.get_by_label("Along", exact=True).select_option("mass")
    expect(visitor.page.locator("figcaption")).to_have_text("speed = 5.5")


def test_a_dropped_table_comes_back_with_its_answers(visitor: Visitor) -> None:
    visitor.open("kinetic-energy")
    rows = [(place, f"n {place}", 1 + place % 14 / 2, 1 + place % 9) for place in range(10_000)]
    table = io.StringIO()
    csv.writer(table).writerows([("speed", 'the "name"', "mass", "id"), *((v, name, m, i) for i, name, m, v in rows)])
    visitor.drop_table("trips.csv", table.getvalue() + "fast,n,1,10000\n")
    summary = visitor.page.locator(".drop").inner_text()
    assert "10,001 rows" in summary
    assert "1 row without an answer, as they hold no numbers or have no finite result: 10001." in summary
    header, *found = list(csv.reader(io.StringIO(visitor.download())))
    assert header == ["speed", 'the "name"', "mass", "id", "energy", "extrapolated"]
    assert found.pop() == ["fast", "n", "1", "10000", "", ""]
    assert [float(row[4]) for row in found] == [0.5 * m * v * v for _, _, m, v in rows]
    assert [row[5] for row in found] == ["false"] * 10_000
    assert [row[1] for row in found] == [name for _, name, _, _ in rows]
    assert ["413" in error for error in visitor.errors] == [
        True,
        True,
    ]  # 10,000 and 5,000 rows: more than a request has
    visitor.errors.clear()


def test_a_table_that_does_not_fit_gets_the_reason(visitor: Visitor) -> None:
    visitor.open("kinetic-energy")
    for name, text, message in (
        ("t.csv", "mass,v\n1,2\n1,2\n", "The table has columns mass, v; the model takes mass, speed. "),
        ("t.csv", "1,2,3\n4,5,6\n", "The table has 3 columns; the model takes mass, speed. "),
        ("t.csv", "mass,speed\n", "t.csv has no rows."),
        ("t.xlsx", "PK\x03\x04", "t.xlsx is no text; save it as CSV, in UTF-8."),
    ):
        visitor.drop_table(name, text)
        expect(visitor.page.locator(".drop [role=alert]")).to_contain_text(message)


def test_a_file_of_one_byte_too_many_is_not_read(visitor: Visitor) -> None:
    visitor.open("kinetic-energy")
    visitor.page.evaluate("""async () => {
        const {tableFile} = await import("./page/table-file.js");
        const {element, run} = tableFile({inputs: [{columns: ["a"]}], outputs: [{columns: ["y"]}]});
        document.querySelector("main").append(element);
        await run(new File([new Uint8Array(64e6 + 1)], "large.csv"));
    }""")
    message = "large.csv is larger than 64 MB; use python -m app.predict on the command line for it."
    assert visitor.page.get_by_text(message).is_visible()


def test_one_row_more_than_the_table_holds_is_a_file(visitor: Visitor) -> None:
    visitor.open("kinetic-energy")
    assert len(visitor.paste_rows("\n".join("2\t3" for _ in range(100)))) == 100
    visitor.paste_rows("\n".join("2\t3" for _ in range(101)))
    visitor.page.get_by_text("pasted.csv: 101 rows").wait_for()


def test_what_is_no_number_is_named_and_the_other_rows_are_answered(visitor: Visitor) -> None:
    visitor.open("kinetic-energy")
    first, second = visitor.page.locator(".rows tbody tr").all()[:2]
    with visitor.page.expect_response("**/predict/arithmetic"):
        first.get_by_label("mass").fill("1,000")
    assert first.get_by_label("mass").get_attribute("aria-invalid") == "true"
    expect(first.locator(".answer")).to_have_text("")
    expect(second.locator(".answer")).to_have_text("8112")


@pytest.mark.parametrize("model", ["kinetic-energy", "digit-sum", "mixed"])
def test_the_calls_to_copy_answer_what_is_on_the_screen(
    visitor: Visitor, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.open(model)
    monkeypatch.chdir(tmp_path)
    if model == "kinetic-energy":
        answer = visitor.page.locator(".rows .answer").nth(3)
    elif model == "mixed":
        visitor.page.get_by_role("button", name="Send").click()
        answer = visitor.page.locator("pre.wrapped").first
        expect(visitor.page.locator("pre.wrapped")).to_have_text(["2", "-1, -1", "false", "1, 0", "Oslo"])
    else:
        visitor.draw([7, 3])
        answer = visitor.answer
        with visitor.page.expect_download() as download:
            visitor.page.get_by_role("link", name="Save").click()
        download.value.save_as("drawing.png")
    expect(answer).not_to_be_empty()
    shown = float(answer.inner_text())
    for language, run in (("curl", run_shell), ("Python", run_python), ("tritonclient", run_python)):
        visitor.page.get_by_role("tab", name=language).click()
        printed = run(visitor.page.get_by_role("tabpanel").inner_text())
        numbers = [float(text) for text in re.findall(r"\d+\.?\d*(?:e[+-]?\d+)?", printed)]
        assert any(number == pytest.approx(shown, rel=1e-3) for number in numbers), (language, printed)


def run_shell(code: str) -> str:
    return subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True).stdout


def run_python(code: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "copied.py", "exec"), {})
    return printed.getvalue()


def test_with_keys_the_page_asks_for_one_and_keeps_it_in_the_tab(
    browser: Browser, repository: Path, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    file.write_text(f"alice {sha256(b'secret').hexdigest()}\n")
    with listening(repository, api_keys_file=file) as live:
        visitor = Visitor(browser, f"http://127.0.0.1:{live.port}/")
        visitor.open("kinetic-energy", heading="API key")
        page = visitor.page
        page.get_by_label("Key", exact=True).fill("wrong")
        page.get_by_role("button", name="Use this key").click()
        page.get_by_text("The API key of the request is unknown").wait_for()
        page.get_by_label("Key", exact=True).fill("secret")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="kinetic-energy").wait_for()
        expect(page.locator(".rows .answer").nth(1)).to_have_text("57.5")
        assert "$NALU_KEY" in page.get_by_role("tabpanel").inner_text()
        assert "secret" not in page.content()
        with page.expect_download() as saved:
            page.get_by_role("link", name="Report").click()
        assert saved.value.path().read_bytes() == (repository / "kinetic-energy" / "1" / "report.html").read_bytes()
        page.reload()
        page.get_by_role("heading", name="kinetic-energy").wait_for()
        assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
        page.get_by_role("button", name="Forget key").click()
        page.get_by_role("heading", name="API key").wait_for()
        visitor.close()
        refused = [error for error in visitor.errors if "401" not in error]  # Chromium reports each
        assert refused == []


def test_a_drawing_for_a_model_of_one_size_has_that_size_in_the_colours_that_are_chosen(visitor: Visitor) -> None:
    visitor.open("tiny")
    visitor.draw([1], scale=9)
    expect(visitor.page.locator(".sent")).to_contain_text("6 × 4 pixels")
    bright = float(visitor.answer.inner_text())
    visitor.page.get_by_label("Send light on dark").check()
    expect(visitor.answer).to_have_text(re.compile(rf"^{int(255 - bright)}(\.|$)"))


def test_intervals_stand_beside_the_answers_of_models_that_have_them(visitor: Visitor) -> None:
    visitor.open("uncertain")
    visitor.paste_rows("1\t2\n1\t0")
    # of the sum s: s + 1 with noise 2 * |a| and error 3 * |1 / b|, to each side
    half = math.hypot(2 * 1, 3 / 2)
    expect(visitor.page.locator(".rows td.interval").first).to_have_text(f"{4 - half:g} to {4 + half:g}")
    expect(visitor.page.locator(".rows td.interval").nth(1)).to_have_text("–")


def test_a_model_without_a_known_range_says_so(visitor: Visitor) -> None:
    visitor.open("rangeless")
    expect(visitor.page.locator(".rows td.range").first).to_have_text("unknown")
    assert visitor.page.get_by_text("The training range of this model is not known.").is_visible()


def test_a_damaged_model_and_an_unknown_one_are_named_with_the_reason(visitor: Visitor) -> None:
    visitor.open()
    assert "broken" in visitor.page.locator(".card.damaged").inner_text()
    assert "is not a valid manifest" in visitor.page.locator(".card.damaged").inner_text()
    assert visitor.page.locator("#state").inner_text() == "8 models, 1 damaged"
    visitor.open("nobody", heading="That did not work")
    assert visitor.page.get_by_role("alert").inner_text().endswith("No model 'nobody' is served.")


def test_the_docs_page_renders_every_endpoint(visitor: Visitor, address: str) -> None:
    visitor.page.goto(f"{address}docs")
    for path in ("/predict/arithmetic", "/predict/image", "/models", "/health/ready", "/metrics"):
        expect(visitor.page.locator(f'[data-path="{path}"]')).to_have_count(1)
    visitor.page.goto("about:blank")


@pytest.mark.parametrize(
    ("size", "scheme", "models"), [("wide", "light", ("", "digit")), ("phone", "dark", ("", "uncertain"))]
)
def test_no_view_violates_a_rule_of_axe_or_is_wider_than_the_window(
    visitor: Visitor, size: str, scheme: Scheme, models: tuple[str, ...]
) -> None:
    visitor.prefer(size, scheme)
    for model in models:
        visitor.open(model)
        if model == "digit":
            visitor.draw([3], scale=6)
            expect(visitor.answer).to_have_text("3")
        assert visitor.violations() == [], model
        assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), model


def test_the_report_opens_from_the_page_where_there_is_one(visitor: Visitor) -> None:
    visitor.open("digit")
    expect(visitor.page.get_by_role("link", name="Report")).to_have_count(0)
    visitor.open("kinetic-energy")
    with visitor.page.expect_popup() as opened:
        visitor.page.get_by_role("link", name="Report").click()
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("kinetic-energy version 1")
    expect(opened.value.get_by_role("img").first).to_be_visible()
    opened.value.close()


def test_no_report_violates_a_rule_of_axe_or_is_wider_than_the_window(browser: Browser, repository: Path) -> None:
    visitor = Visitor(browser, "")
    visitor.page.goto((repository / "kinetic-energy" / "1" / "report.html").as_uri())
    for size, scheme in SIGHTS:
        visitor.prefer(size, scheme)
        assert visitor.violations() == [], (size, scheme)
        assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), size
    assert visitor.errors == []
    visitor.close()


def evaluate(visitor: Visitor, module: str, expression: str, argument: Any) -> Any:
    """What an expression with x gives for each of some values, with a module of the page as m."""
    code = f"async xs => {{ const m = await import('./page/{module}'); return xs.map(x => {expression}); }}"
    return visitor.page.evaluate(code, argument)


def test_the_browser_takes_every_rule_of_the_styles(visitor: Visitor) -> None:
    visitor.open()
    taken, written = visitor.page.evaluate("""async () => {
        const count = rules => [...rules].reduce((sum, rule) => sum + 1 + count(rule.cssRules ?? []), 0);
        const taken = [...document.styleSheets].map(sheet => count(sheet.cssRules));
        const texts = [...document.styleSheets].map(async sheet => (await fetch(sheet.href)).text());
        return [taken, (await Promise.all(texts)).map(text => text.split("{").length - 1)];
    }""")
    assert len(taken) > 5
    assert taken == written


def test_a_curve_has_gaps_at_poles_and_without_a_value_and_does_not_overshoot(visitor: Visitor) -> None:
    visitor.open("digit")
    drawn = "m.path(x, value => value, Object.assign(value => -value, {domain: [-10, 10]}), true)"
    pole = [[0, 1], [1, 5], [2, 999], [3, -999], [4, -5]]
    hole = [[0, 1], [1, None], [2, 1], [3, 1]]
    step = [[0, 0], [1, 0], [2, 8], [3, 8]]
    paths = evaluate(visitor, "curve.js", drawn, [pole, hole, step])
    assert [path.count("M") for path in paths] == [2, 2, 1]
    heights = [float(number) for number in re.findall(r"-?[\d.]+", paths[2])][1::2]
    assert (min(heights), max(heights)) == (-8, 0)


def test_formulas_are_read_as_python_reads_them(visitor: Visitor) -> None:
    visitor.open("digit")
    formulas = {
        "a + b": "<mi>a</mi><mo>+</mo><mi>b</mi>",
        "a - (b - c)": "<mo>−</mo><mrow><mo>(</mo><mrow><mi>b</mi><mo>−</mo><mi>c</mi></mrow><mo>)</mo></mrow>",
        "x**2": "<msup><mi>x</mi><mn>2</mn></msup>",
        "-x**2": "<mrow><mo>−</mo><msup><mi>x</mi><mn>2</mn></msup></mrow>",
        "mass * speed": "<mi>mass</mi><mo>⋅</mo><mi>speed</mi>",
        "a / b / c": "<mfrac><mfrac><mi>a</mi><mi>b</mi></mfrac><mi>c</mi></mfrac>",
        "x * 2.5e-7**2": "<mo>×</mo><msup><mrow><mo>(</mo><mrow><mn>2.5</mn><mo>×</mo>",
        "6.7e-11 * m_1": "<mn>6.7</mn><mo>×</mo><msup><mn>10</mn><mn>−11</mn></msup>",
        'sqrt("net weight")': "<msqrt><mi>net weight</mi></msqrt>",
        "{1: 2.5, 2: 7}[size]": "<mtd><mn>2.5</mn></mtd><mtd><mi>size</mi><mo>=</mo><mn>1</mn></mtd>",
        "a +": "<code>a +</code>",
        "a $ b": "<code>a $ b</code>",
    }
    found = evaluate(visitor, "formula.js", "m.formulaElement(x).outerHTML", list(formulas))
    for formula, drawn in zip(formulas, found, strict=True):
        assert formulas[formula] in drawn, formula


def test_numbers_are_read_as_people_write_them_unless_they_are_ambiguous(visitor: Visitor) -> None:
    visitor.open("digit")
    numbers = {
        "12": 12, " -1.5e3 ": -1500, "0,125": 0.125, "1 234,5": 1234.5, "1,234.5": 1234.5, "1.234,5": 1234.5,
        "1,5": 1.5, "1,234,567": 1234567, "\u22122": -2, ".5": 0.5, "1,000": None, "": None, "1e": None, "0x10": None,
        "NaN": None, "1_000": 1000, "Infinity": None, "1,2,3": None,
    }  # fmt: skip
    read = "Number.isNaN(m.parseNumber(x)) ? null : m.parseNumber(x)"
    assert evaluate(visitor, "numbers.js", read, list(numbers)) == list(numbers.values())
    shown = {0: "0", 12.0: "12", 0.1 + 0.2: "0.3", -1.5: "−1.5", 123456: "123456", 6.02e23: "6.02\u202f×\u202f10²³"}
    assert evaluate(visitor, "numbers.js", "m.show(x)", list(shown)) == list(shown.values())


def test_tables_are_read_whatever_stands_between_their_cells(visitor: Visitor) -> None:
    visitor.open("digit")
    tables = {
        "a\tb\r\n1\t2\r\n": [["a", "b"], ["1", "2"]],
        "a;b\n1,5;2": [["a", "b"], ["1,5", "2"]],
        '"a, b","say ""hi"""\n\n"two\nlines",': [["a, b", 'say "hi"'], ["two\nlines", ""]],
        "a|b": [["a", "b"]],
        "1\n2\n": [["1"], ["2"]],
        "": [],
    }
    assert evaluate(visitor, "table-text.js", "m.parseTable(x)", list(tables)) == list(tables.values())
