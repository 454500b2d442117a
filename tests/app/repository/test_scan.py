import time
from pathlib import Path

from app.repository.scan import fingerprint_of, last_change


def test_a_folder_that_is_removed_during_a_scan_counts_as_changing(tmp_path: Path) -> None:
    before = time.time()
    assert fingerprint_of(tmp_path / "removed") == ()
    assert before <= last_change(tmp_path / "removed") <= time.time()
