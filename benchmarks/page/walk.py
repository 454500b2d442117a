"""A newcomer's way through the page: each step is what a person does and what the page then shows."""

import csv
import io
from typing import NamedTuple

from playwright.sync_api import expect

from benchmarks.page.visitor import Visitor

ROWS = [(2.0, 3.0), (4.5, 5.0), (20.0, 3.0), (2.0, 300.0), (0.5, 10.0)]
"""Mass and speed, to paste: the last three lie outside the training range."""
TABLE_ROWS = 10_000


class Step(NamedTuple):
    """A step."""

    action: str
    shown: str


def read_digits(visitor: Visitor, digits: tuple[int, ...] = (7, 3, 5)) -> Step:
    """Draw digits and read their sum."""
    visitor.open("digit-sum")
    visitor.draw(digits)
    listed = ", ".join(map(str, digits))
    return Step(f"open /, choose digit-sum, draw {listed} with the pointer", visitor.answer.inner_text())


def paste_rows(visitor: Visitor) -> Step:
    """Paste five rows and see which extrapolate."""
    visitor.open("kinetic-energy")
    text = "mass\tspeed\n" + "\n".join(f"{mass:g}\t{speed:g}" for mass, speed in ROWS)
    shown = visitor.paste_rows(text)
    answers = [f"{row[2]} {row[3]}" for row in shown]
    right = all(float(row[2]) == 0.5 * mass * speed**2 for row, (mass, speed) in zip(shown, ROWS, strict=True))
    return Step("paste five rows into kinetic-energy", f"{', '.join(answers)}: {'all right' if right else 'WRONG'}")


def read_plot(visitor: Visitor) -> Step:
    """Read the plot far beyond the training range, with the keyboard."""
    visitor.page.get_by_role("slider").press("End")
    return Step("move the slider under the plot to its end", visitor.page.locator(".reader output").inner_text())


def predict_table(visitor: Visitor) -> Step:
    """Drop a CSV file, download the answers and compare them with the formula."""
    rows = [(1 + place % 90 / 3, 1 + place % 37 / 2) for place in range(TABLE_ROWS)]
    text = "".join(f"{mass},{speed}\n" for mass, speed in rows)
    visitor.drop_table("rows.csv", f"mass,speed\n{text}")
    summary = visitor.page.locator(".summary").inner_text()
    answers = list(csv.DictReader(io.StringIO(visitor.download())))
    wrong = sum(
        abs(float(row["energy"]) - 0.5 * mass * speed**2) > 1e-12 * float(row["energy"])
        for row, (mass, speed) in zip(answers, rows, strict=True)
    )
    return Step(f"drop a CSV file of {TABLE_ROWS:,} rows, download the answers", f"{summary} Wrong: {wrong}.")


def use_key(visitor: Visitor, key: str) -> Step:
    """Open a service that requires a key, and give it one."""
    page = visitor.page
    visitor.open("kinetic-energy", heading="API key")
    page.get_by_label("Key", exact=True).fill(key)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="kinetic-energy").wait_for()
    expect(page.locator(".rows .answer").nth(1)).to_have_text("57.5")
    return Step("open a service that requires a key, and give it one", "the model, with its answers")
