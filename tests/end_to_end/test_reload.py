"""kill -HUP reloads keys and log settings of several workers without losing a request."""

import http.client
import json
import signal
import threading
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from tests.app.factory import wait_until, write_sum
from tests.end_to_end.server import Server, serve

ALICE, BOB = (f"{name} {sha256(name.encode()).hexdigest()}\n" for name in ("alice", "bob"))


def statuses(server: Server, key: str) -> set[int]:
    """Statuses of requests on new connections, so that all workers are asked."""
    found = set()
    for _ in range(6):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/models", headers={"X-API-Key": key})
        found.add(connection.getresponse().status)
        connection.close()
    return found


@pytest.mark.slow
def test_sighup_reloads_keys_and_log_settings_in_every_worker_and_no_request_is_lost(tmp_path: Path) -> None:
    write_sum(tmp_path / "repository")
    keys, settings = tmp_path / "keys", tmp_path / "settings.env"
    keys.write_text(ALICE + BOB)
    settings.write_text("NALU_LOG_LEVEL=warning\n")
    files = {"NALU_API_KEYS_FILE": str(keys), "NALU_SETTINGS_FILE": str(settings), "NALU_PORT": "tcp://10.0.0.1:8000"}
    failures: list[object] = []
    answered, stop = 0, threading.Event()

    def ask(url: str) -> None:
        nonlocal answered
        body = {"model": "sum", "inputs": [[3, 4]]}
        with httpx.Client(headers={"X-API-Key": "alice"}) as client:
            while not stop.is_set():
                response = client.post(f"{url}/predict/arithmetic", json=body)
                answered += 1
                if response.status_code != 200:
                    failures.append(response.text)

    with serve(tmp_path / "repository", "--workers", "2", **files) as server:
        wait_until(lambda: statuses(server, "alice") == {200}, seconds=30)
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
        thread = threading.Thread(target=ask, args=(server.url,))
        thread.start()
        keys.write_text(ALICE)
        settings.write_text("NALU_LOG_LEVEL=info\nNALU_LOG_FORMAT=json\nNALU_ACCESS_LOG=true\n")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: statuses(server, "bob") == {401}, seconds=10)
        before = answered
        wait_until(lambda: answered > before + 5)
        stop.set()
        thread.join()
        assert Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text() == children
        log = server.stop().splitlines()
    assert failures == []
    reloaded = "Read the settings of the log: NALU_LOG_LEVEL=info, NALU_LOG_FORMAT=json, NALU_ACCESS_LOG=true."
    lines = [json.loads(line)["message"] for line in log if line.startswith("{")]
    assert [lines.count(line) for line in ("Read the API keys of alice.", reloaded)] == [2, 2]
    assert sum("Ignored NALU_PORT" in line for line in log) == 1  # and not once more by each worker
