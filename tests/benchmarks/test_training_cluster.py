"""The benchmark that kills a worker: what it compares and prints, and that tasks of other benchmarks travel."""

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks.images import __main__ as images
from benchmarks.laws import __main__ as laws
from benchmarks.laws.measure import measure
from benchmarks.training_cluster.__main__ import _records, page
from tests.training.trainer.pickling import PicklingExecutor
from training.trainer.executors.local import LocalExecutor


def test_records_are_compared_whole_and_in_any_order(tmp_path: Path) -> None:
    a, b = {"unit": "NMU", "successes": 5}, {"unit": "NAU", "successes": 5}
    for folder, found in (("one", [a, b]), ("two", [b, a]), ("other", [b, {**a, "successes": 4}])):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "arithmetic.json").write_text(json.dumps({"records": found}))
    assert _records(tmp_path / "one") == _records(tmp_path / "two") != _records(tmp_path / "other")


def test_the_page_names_a_difference_and_what_a_killed_worker_had_done() -> None:
    local = {"where": "one process", "records": [{}, {}], "seconds": 61.4}
    killed = {"where": "two nodes", "records": [{}, {}], "seconds": 90.0, "lost": 9.2}
    text = page([local, {**killed, "equal": True}, {**killed, "equal": False}])
    assert "| one process | none |  | 2 |  | 61 |" in text
    assert "| two nodes | one | 9 s | 2 | all | 90 |" in text
    assert "| two nodes | one | 9 s | 2 | **no** | 90 |" in text


@pytest.mark.parametrize("program", [images, laws])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--on", "ray"], "error: --on ray needs Ray: pip install 'nalu-serve[ray]', here and on every node.\n"),
        (["--on", "ftp://head:1"], "argument --on: 'ftp://head:1' is none of local, processes, tcp://HOST:8786"),
        (["--jobs", "2", "--on", "local"], "error: --jobs 2 counts processes, and --on local starts none; leave one"),
    ],
)
def test_a_cluster_that_cannot_be_used_is_one_sentence_and_exit_code_2(
    program: ModuleType,
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr(sys, "argv", ["program", *options])
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_laws_that_travel_are_found_as_here() -> None:
    here, there = (list(measure(executor, "products", 2, 7)) for executor in (LocalExecutor(), PicklingExecutor()))
    for results in (here, there):
        assert all(result.pop("seconds") >= 0 for result in results)
    assert here == there
    assert [result["right"] for result in here] == [True, True]
