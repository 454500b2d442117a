"""A mirrored repository serves what the store holds, byte for byte, and what it held before while that fails."""

import errno
import json
import logging
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from obstore.exceptions import GenericError, PermissionDeniedError

from app.errors import ModelNotFoundError
from app.repository.mirror import cache as cache_module
from app.repository.mirror import fetch, mirror
from app.repository.mirror.cache import MirrorCache
from app.repository.repository import Repository
from app.repository.scan import Listing, list_repository
from models import object_store
from models.object_store import EmptyStoreError, StoreClosedError
from tests.app.factory import write_sum
from tests.app.repository.mirror.stores import ADDRESS, Bucket, contents

REFUSED = 'Generic S3 error: HTTP error\n\nDebug source:\nOs { kind: ConnectionRefused, message: "Connection refused" }'
NOT_LISTED = f"{ADDRESS} cannot be listed: the connection is refused; correct the endpoint, or start the store."


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    """sum, versions 1 and 2, and add."""
    bucket = Bucket(tmp_path / "source")
    for version in (1, 2):
        write_sum(bucket.source, version=version, weight=version)
    write_sum(bucket.source, "add")
    bucket.upload()
    return bucket


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def refuse(path: str) -> None:
    raise GenericError(REFUSED)


def served(repository: Repository) -> list[str]:
    return [f"{name}/{version}" for (name, version), entry in repository.entries() if entry.model]


def reasons(repository: Repository) -> dict[str, str]:
    return {f"{name}/{version}": entry.reason for (name, version), entry in repository.entries() if entry.reason}


def weight(repository: Repository, version: int | None = None) -> float:
    """Of sum, from its prediction for 1 and 2."""
    return float(repository.get("sum", version).predict(np.array([[1.0, 2.0]]))[0, 0]) / 3


def test_the_cache_holds_the_same_bytes_as_the_source_and_all_models_are_served(bucket: Bucket, cache: Path) -> None:
    repository = bucket.repository(cache)
    assert contents(repository.root) == contents(bucket.source)
    assert served(repository) == ["add/1", "sum/1", "sum/2"]
    assert weight(repository) == 2
    assert repository.outage is None
    assert not reasons(repository)


def test_a_new_version_is_served_after_the_next_look_and_nothing_else_is_fetched(bucket: Bucket, cache: Path) -> None:
    repository = bucket.repository(cache)
    write_sum(bucket.source, version=3, weight=3)
    bucket.upload("sum/3/*")
    bucket.requests.clear()
    repository.refresh()
    assert weight(repository) == 3
    assert set(bucket.requests) == {"", "sum/3/manifest.json", "sum/3/model.onnx"}


def test_a_version_with_other_content_replaces_the_one_before_and_its_folder(bucket: Bucket, cache: Path) -> None:
    repository = bucket.repository(cache)
    write_sum(bucket.source, version=2, weight=7)
    bucket.upload("sum/2/*")
    repository.refresh()
    assert weight(repository) == 7
    assert contents(repository.root) == contents(bucket.source)
    assert len(list((repository.root / ".versions").iterdir())) == 3


def test_versions_that_left_the_store_leave_service_and_cache(bucket: Bucket, cache: Path) -> None:
    repository = bucket.repository(cache)
    bucket.delete("sum/2")
    bucket.delete("add")
    repository.refresh()
    assert served(repository) == ["sum/1"]
    assert contents(repository.root) == contents(bucket.source)
    assert len(list((repository.root / ".versions").iterdir())) == 1
    assert not (repository.root / "add").exists()


def test_a_version_leaves_in_the_second_look_that_does_not_find_it(
    bucket: Bucket, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror.Mirror, "_is_recent", lambda *_: False)
    repository = bucket.repository(cache, poll_seconds=0.05)
    bucket.delete("add")
    repository.refresh()
    assert served(repository) == ["add/1", "sum/1", "sum/2"]
    time.sleep(0.05)
    repository.refresh()
    assert served(repository) == ["sum/1", "sum/2"]


def test_a_store_that_is_new_after_an_outage_unloads_nothing_while_it_is_being_filled(
    bucket: Bucket, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror.Mirror, "_is_recent", lambda *_: False)
    repository = bucket.repository(cache, poll_seconds=0.02)
    copies = contents(bucket.source)
    bucket.memory.delete(list(copies))
    repository.refresh()
    for path, content in copies.items():
        bucket.memory.put(path, content)
        for _ in range(3):
            time.sleep(0.02)
            repository.refresh()
        assert served(repository) == ["add/1", "sum/1", "sum/2"]
    assert repository.outage is None
    bucket.memory.delete(["add/1/model.onnx", "add/1/manifest.json"])
    for _ in range(2):
        time.sleep(0.02)
        repository.refresh()
    assert served(repository) == ["sum/1", "sum/2"]


def test_versions_that_are_still_missing_a_while_after_an_outage_leave(
    bucket: Bucket, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror.Mirror, "_is_recent", lambda *_: False)
    monkeypatch.setattr(mirror, "REFILL_SECONDS", 0.1)
    repository = bucket.repository(cache, poll_seconds=0.02)
    bucket.before = refuse
    repository.refresh()
    bucket.before = lambda path: None
    bucket.delete("add")
    for _ in range(2):
        time.sleep(0.02)
        repository.refresh()
    assert served(repository) == ["add/1", "sum/1", "sum/2"]
    time.sleep(0.1)
    repository.refresh()
    assert served(repository) == ["sum/1", "sum/2"]


def test_a_store_that_is_closed_ends_a_look_after_the_request_under_way(bucket: Bucket, cache: Path) -> None:
    def close(path: str) -> None:
        if path == "sum/1/manifest.json":
            running.close()

    running = bucket.mirror(cache)
    bucket.before = close
    with pytest.raises(StoreClosedError):
        running.refresh()
    assert bucket.requests[-1] == "sum/1/manifest.json"
    assert running.outage is None
    assert bucket.repository(cache).outage is None


def empty(bucket: Bucket) -> str:
    bucket.delete("sum")
    bucket.delete("add")
    return (
        f"{ADDRESS} holds no model; upload one with `python -m training push NAME {ADDRESS}`, or correct the address."
    )


def gone(bucket: Bucket) -> str:
    bucket.before = refuse
    return NOT_LISTED


def forbidden(bucket: Bucket) -> str:
    def forbid(path: str) -> None:
        raise PermissionDeniedError("... Server returned non-2xx status code: 403 Forbidden: <Error/>")

    bucket.before = forbid
    return f"{ADDRESS} cannot be listed: access is denied (403); give the credentials the permission."


@pytest.mark.parametrize("fail", [empty, gone, forbidden])
def test_while_the_store_fails_all_is_served_on_also_after_a_restart_and_the_outage_begins_at_the_last_good_look(
    bucket: Bucket, cache: Path, fail: Callable[[Bucket], str], caplog: pytest.LogCaptureFixture
) -> None:
    repository = bucket.repository(cache)
    looked_at = MirrorCache(cache, ADDRESS).read_state().looked_at
    assert looked_at is not None
    before = contents(repository.root)
    reason = f"{fail(bucket)} The models are served as they were there at {looked_at:%Y-%m-%dT%H:%M:%SZ}."
    repository.refresh()
    repository.refresh()
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert lines == [f"The object store is unavailable: {reason}"]
    for running in (repository, bucket.repository(cache)):
        assert running.outage is not None
        assert (running.outage.since, running.outage.reason) == (looked_at, reason)
        assert served(running) == ["add/1", "sum/1", "sum/2"]
        assert weight(running) == 2
        assert contents(running.root) == before


def test_a_store_that_is_back_ends_the_outage(bucket: Bucket, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    repository = bucket.repository(cache)
    gone(bucket)
    repository.refresh()
    bucket.before = lambda path: None
    caplog.set_level(logging.INFO, "app.repository.mirror.mirror")
    repository.refresh()
    assert repository.outage is None
    assert f"The object store is available again: {ADDRESS}." in caplog.messages


def missing_manifest(bucket: Bucket) -> str:
    bucket.memory.delete("sum/3/manifest.json")
    return f"{ADDRESS}/sum/3 has no manifest.json, which is uploaded last; complete it, or remove it."


def missing_file(bucket: Bucket) -> str:
    bucket.memory.delete("sum/3/model.onnx")
    return f"{ADDRESS}/sum/3 has no model.onnx, which its manifest.json lists; upload it."


def short_file(bucket: Bucket) -> str:
    content = bytes(bucket.memory.get("sum/3/model.onnx").bytes())
    bucket.memory.put("sum/3/model.onnx", content[:-1])
    return (
        f"{ADDRESS}/sum/3/model.onnx has {len(content) - 1} bytes, manifest.json lists {len(content)}; upload it again."
    )


def flipped_byte(bucket: Bucket) -> str:
    content = bytearray(bucket.memory.get("sum/3/model.onnx").bytes())
    content[len(content) // 2] ^= 1
    bucket.memory.put("sum/3/model.onnx", bytes(content))
    return f"{ADDRESS}/sum/3/model.onnx has SHA-256 "


def flipped_on_the_way(bucket: Bucket) -> str:
    bucket.change = lambda path, part: bytes([part[0] ^ 1]) + part[1:] if path == "sum/3/model.onnx" else part
    return f"{ADDRESS}/sum/3/model.onnx has SHA-256 "


def invalid_manifest(bucket: Bucket) -> str:
    bucket.memory.put("sum/3/manifest.json", b"{}")
    return f"{ADDRESS}/sum/3/manifest.json is not a valid manifest at 'name': Field required."


def foreign_manifest(bucket: Bucket) -> str:
    bucket.memory.put("sum/3/manifest.json", (bucket.source / "add/1/manifest.json").read_bytes())
    return f"{ADDRESS}/sum/3 has the manifest of 'add' version 1; move it to its own folder."


def unreadable_file(bucket: Bucket) -> str:
    def archived(path: str) -> None:
        if path == "sum/3/model.onnx":
            raise GenericError("Generic S3 error: ... status: 403, InvalidObjectState")

    bucket.before = archived
    return f"{ADDRESS}/sum/3/model.onnx cannot be read: access is denied (403); give the credentials the permission."


def file_that_leaves(bucket: Bucket) -> str:
    def leave(path: str) -> None:
        if path == "sum/3/manifest.json":
            bucket.memory.delete("sum/3/model.onnx")

    bucket.before = leave
    return f"{ADDRESS}/sum/3/model.onnx is not there any more, as it changed while it was fetched."


def path_out_of_the_folder(bucket: Bucket) -> str:
    manifest = json.loads((bucket.source / "sum/3/manifest.json").read_text())
    manifest["files"]["../../evil"] = next(iter(manifest["files"].values()))
    bucket.memory.put("sum/3/manifest.json", json.dumps(manifest).encode())
    return f"{ADDRESS}/sum/3 has no ../../evil, which its manifest.json lists; upload it."


DAMAGES = [
    missing_manifest,
    missing_file,
    short_file,
    flipped_byte,
    flipped_on_the_way,
    invalid_manifest,
    foreign_manifest,
    unreadable_file,
    file_that_leaves,
    path_out_of_the_folder,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_version_that_is_incomplete_or_damaged_is_not_fetched_but_reported_and_others_are_fetched(
    bucket: Bucket, cache: Path, damage: Callable[[Bucket], str], caplog: pytest.LogCaptureFixture
) -> None:
    before = contents(bucket.source)
    write_sum(bucket.source, version=3, weight=3)
    bucket.upload("sum/3/*")
    reason = damage(bucket)
    mirror = bucket.mirror(cache)
    mirror.refresh()
    assert contents(mirror.folder) == before
    assert mirror.rejected.keys() == {("sum", 3)}
    assert mirror.rejected["sum", 3].startswith(reason)
    assert f"Model 'sum' version 3 is not fetched: {mirror.rejected['sum', 3]}" in caplog.messages
    assert len(list((mirror.folder / ".versions").iterdir())) == 3
    assert not list(cache.rglob("evil"))


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_version_before_stays_when_its_upload_anew_is_damaged(
    bucket: Bucket, cache: Path, damage: Callable[[Bucket], str]
) -> None:
    write_sum(bucket.source, version=3, weight=3)
    bucket.upload("sum/3/*")
    bucket.mirror(cache).refresh()
    before = contents(bucket.source)
    write_sum(bucket.source, version=3, weight=4, summary="anew")
    bucket.upload("sum/3/*")
    reason = damage(bucket)
    mirror = bucket.mirror(cache)
    mirror.refresh()
    assert contents(mirror.folder) == before
    assert mirror.rejected["sum", 3].startswith(reason)


def test_a_damaged_version_is_reported_as_damaged_and_the_one_before_is_served_also_after_a_restart(
    bucket: Bucket, cache: Path
) -> None:
    first = bucket.repository(cache)
    bucket.memory.put("sum/3/model.onnx", b"...")
    write_sum(bucket.source, version=2, weight=4)
    bucket.upload("sum/2/model.onnx")
    first.refresh()
    for repository in (first, bucket.repository(cache)):
        assert weight(repository) == 2
        assert reasons(repository)["sum/2"].endswith("; upload it again. The previously loaded model is still served.")
        assert reasons(repository)["sum/3"].endswith("; complete it, or remove it.")
        assert [entry.state for entry in repository.index()] == ["READY", "READY", "READY", "UNAVAILABLE"]
        with pytest.raises(ModelNotFoundError, match=r"Model 'sum' has no version 3; it has 1, 2\.$"):
            repository.get("sum", 3)


def test_a_repaired_version_is_served_and_no_longer_reported(bucket: Bucket, cache: Path) -> None:
    write_sum(bucket.source, version=3, weight=3)
    bucket.upload("sum/3/*")
    flipped_byte(bucket)
    repository = bucket.repository(cache)
    bucket.upload("sum/3/*")
    repository.refresh()
    assert weight(repository) == 3
    assert not reasons(repository)


def test_an_upload_under_way_is_not_reported_in_the_look_that_finds_it(
    bucket: Bucket, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror.Mirror, "_is_recent", lambda *_: False)
    bucket.memory.put("sum/3/model.onnx", b"...")
    repository = bucket.repository(cache, poll_seconds=1)
    assert not reasons(repository)
    repository.refresh()
    assert reasons(repository).keys() == {"sum/3"}


def test_a_damaged_version_that_does_not_change_is_fetched_less_and_less_often(
    bucket: Bucket, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror.Mirror, "_is_recent", lambda *_: False)
    write_sum(bucket.source, version=3)
    bucket.upload("sum/3/*")
    flipped_byte(bucket)
    repository = bucket.repository(cache, poll_seconds=60)
    for _ in range(5):
        repository.refresh()
    assert bucket.requests.count("sum/3/model.onnx") == 2


def test_a_slow_store_ends_a_look_and_versions_that_were_fetched_before_are_served(
    bucket: Bucket, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stall(path: str) -> None:
        if path.startswith("sum"):
            raise GenericError("Generic S3 error: HttpError { kind: Timeout, source: TimedOut }")

    monkeypatch.setattr(mirror, "FAILING_SECONDS", 0.0)
    bucket.before = stall
    repository = bucket.repository(cache)
    assert served(repository) == ["add/1"]
    assert repository.outage is not None
    assert repository.outage.reason == f"{ADDRESS}/sum/1/manifest.json cannot be read: it does not answer in time."
    assert "sum/2/manifest.json" not in bucket.requests


def test_a_version_over_the_limit_is_not_fetched(bucket: Bucket, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = (bucket.source / "add/1/model.onnx").stat().st_size
    monkeypatch.setattr(fetch, "MAX_VERSION_BYTES", size)
    assert served(bucket.repository(cache)) == ["add/1", "sum/1", "sum/2"]
    monkeypatch.setattr(fetch, "MAX_VERSION_BYTES", size - 1)
    repository = bucket.repository(cache.with_name("other"))
    assert reasons(repository)["add/1"] == f"{ADDRESS}/add/1 has {size} bytes, the limit is {size - 1}."
    assert "add/1/model.onnx" not in bucket.requests[-6:]


def test_a_manifest_over_the_limit_is_not_fetched(bucket: Bucket, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = (bucket.source / "add/1/manifest.json").stat().st_size
    monkeypatch.setattr(fetch, "MAX_MANIFEST_BYTES", size - 1)
    reason = f"{ADDRESS}/add/1/manifest.json has more than {size - 1} bytes."
    assert reasons(bucket.repository(cache))["add/1"] == reason


def test_a_store_with_too_many_objects_is_an_outage(
    bucket: Bucket, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "MAX_OBJECTS", 6)
    assert bucket.repository(cache).outage is None
    bucket.memory.put("other", b"")
    outage = bucket.repository(cache).outage
    assert outage is not None
    assert outage.reason.startswith(f"{ADDRESS} holds more than 6 objects; give the prefix of the models alone.")


def test_a_large_file_is_read_in_parts(bucket: Bucket, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "PART_BYTES", 100)
    repository = bucket.repository(cache)
    assert contents(repository.root) == contents(bucket.source)
    size = (bucket.source / "add/1/model.onnx").stat().st_size
    assert bucket.requests.count("add/1/model.onnx") == -(-size // 100)


def test_other_objects_are_ignored(bucket: Bucket, cache: Path) -> None:
    for path in ("README.md", "sum/README.md", "sum/02/model.onnx", "sum/3/a/b", ".hidden/1/x", "sum/3/.hidden"):
        bucket.memory.put(path, b"x")
    bucket.memory.put(f"sum/3/{'x' * 256}", b"longer than a disk's names")
    repository = bucket.repository(cache)
    assert contents(repository.root) == contents(bucket.source)
    assert not reasons(repository)


def test_a_damaged_cache_is_fetched_anew_at_the_start(bucket: Bucket, cache: Path) -> None:
    root = bucket.repository(cache).root
    (root / "sum/2/model.onnx").write_bytes(b"damaged")
    assert weight(bucket.repository(cache)) == 2


def test_a_cache_that_was_removed_is_made_anew(bucket: Bucket, cache: Path) -> None:
    repository = bucket.repository(cache)
    repository.root.rename(cache / "elsewhere")
    repository.refresh()
    assert contents(repository.root) == contents(bucket.source)
    assert weight(repository) == 2


def test_what_a_killed_process_has_left_is_removed(bucket: Bucket, cache: Path) -> None:
    root = bucket.repository(cache).root
    (root / ".versions" / "new-half").mkdir()
    (root / ".versions" / "new-half" / "model.onnx").write_bytes(b"half")
    (root / ".versions" / "new-half.link").symlink_to("new-half")
    bucket.repository(cache)
    assert len(list((root / ".versions").iterdir())) == 3


@pytest.mark.parametrize("unreadable", ["all", "sum"])
def test_nothing_is_removed_where_the_links_cannot_be_read(
    bucket: Bucket, cache: Path, unreadable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = bucket.repository(cache).root
    without_descriptor = OSError(errno.EMFILE, "Too many open files")

    def fail(folder: Path) -> Listing:
        if unreadable == "all":
            raise without_descriptor
        listing = list_repository(folder)
        folders = {key: path for key, path in listing.folders.items() if key[0] != unreadable}
        return replace(listing, folders=folders, unreadable={unreadable: str(without_descriptor)})

    with monkeypatch.context() as patched:
        patched.setattr(cache_module, "list_repository", fail)
        MirrorCache(cache, ADDRESS).clean()
    assert contents(root) == contents(bucket.source)


def test_processes_that_share_a_cache_look_once_in_a_poll_interval(bucket: Bucket, cache: Path) -> None:
    first, second = (bucket.repository(cache, poll_seconds=60) for _ in range(2))
    assert bucket.requests.count("") == 1
    assert served(first) == served(second) == ["add/1", "sum/1", "sum/2"]


def _hold(root: Path, locked: "multiprocessing.synchronize.Event", end: "multiprocessing.synchronize.Event") -> None:
    with MirrorCache(root, ADDRESS).lock(0) as is_ours:
        assert is_ours
        locked.set()
        end.wait(30)


@pytest.mark.slow
def test_while_another_process_looks_a_process_goes_on_and_one_that_is_killed_lets_go(
    bucket: Bucket, cache: Path
) -> None:
    repository = bucket.repository(cache)
    context = multiprocessing.get_context("fork")
    locked, end = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(cache, locked, end))
    other.start()
    assert locked.wait(30)
    bucket.requests.clear()
    repository.refresh()
    assert bucket.requests == []
    assert served(repository) == ["add/1", "sum/1", "sum/2"]
    other.kill()
    other.join()
    repository.refresh()
    assert bucket.requests == [""]


def test_a_look_of_another_process_that_takes_minutes_is_an_outage(bucket: Bucket, cache: Path) -> None:
    repository = bucket.repository(cache)
    other = MirrorCache(cache, ADDRESS)
    state = other.read_state()
    assert state.looked_at is not None
    for age, is_outage in ((mirror.STALE_SECONDS - 5, False), (mirror.STALE_SECONDS + 1, True)):
        state.looked_at = datetime.now(UTC) - timedelta(seconds=age)
        other.write_state(state)
        with other.lock(0) as is_ours:
            assert is_ours
            repository.refresh()
        assert (repository.outage is not None) is is_outage
    assert repository.outage is not None
    assert repository.outage.since == state.looked_at
    assert repository.outage.reason.startswith(
        f"{ADDRESS} has not been looked at to the end, as where a fetch is slow."
    )
    assert served(repository) == ["add/1", "sum/1", "sum/2"]


def test_a_start_without_models_in_store_or_cache_fails_and_with_those_of_the_cache_does_not(
    bucket: Bucket, cache: Path
) -> None:
    reason = empty(Bucket(bucket.source.with_name("none")))
    nothing = Bucket(bucket.source.with_name("none"))
    with pytest.raises(EmptyStoreError) as raised:
        nothing.mirror(cache).check()
    assert str(raised.value) == reason
    bucket.repository(cache)
    nothing.mirror(cache).check()


def test_a_full_disk_leaves_what_is_served_and_is_reported(
    bucket: Bucket, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = bucket.repository(cache)
    write_sum(bucket.source, version=3)
    bucket.upload("sum/3/*")
    monkeypatch.setattr(MirrorCache, "new_folder", lambda self: (_ for _ in ()).throw(OSError(28, "No space left")))
    repository.refresh()
    assert served(repository) == ["add/1", "sum/1", "sum/2"]
    assert repository.outage is not None
    assert repository.outage.reason.startswith(f"The cache {repository.root} cannot be written to (No space left);")


def test_a_version_whose_files_do_not_fit_on_the_disk_is_not_fetched(
    bucket: Bucket, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 10}))
    repository = bucket.repository(cache)
    assert served(repository) == []
    assert reasons(repository)["add/1"].endswith(" bytes, and the disk of the cache 10; free space there.")
