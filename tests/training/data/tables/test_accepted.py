"""Every dialect of the page is read to the exact numbers, or refused with the sentence that the page shows."""

from pathlib import Path

import pytest

from tests.training.data.tables.accepted import BEGIN, CASES, END, PAGE, Case, outcome, section


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_table_is_read_exactly_or_refused_with_a_repair(case: Case, tmp_path: Path) -> None:
    columns, printed = outcome(case, tmp_path)
    assert columns == case.expected, printed
    assert len(printed) < 400
    assert columns is not None or printed.startswith(case.name)


def test_the_page_shows_what_the_reader_does() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.split(BEGIN)[1].split(END)[0].strip() == section().strip(), "run the command that the page names"
