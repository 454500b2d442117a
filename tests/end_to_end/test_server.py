"""The service as a process: start, memory, workers, and the end."""

import io
import socket
import subprocess
import sys
import threading
import time

import httpx
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.startup import resident_megabytes
from tests.end_to_end.server import ROOT, serve

BODY = {"model": "add", "inputs": [[3, 4]]}


def test_the_first_answer_comes_soon_and_memory_stays_small() -> None:
    started = time.monotonic()
    with serve(NALU_DEVICE="cpu") as server:
        assert httpx.post(f"{server.url}/predict/arithmetic", json=BODY).status_code == 200
        seconds = time.monotonic() - started
        resident = resident_megabytes(server.process.pid)
    assert resident <= 160, f"{resident:.0f} MB"
    assert seconds <= 6, f"{seconds:.2f} s"  # 1.5 s on a quiet machine, see benchmarks/startup.py; tests share theirs


def test_sigterm_turns_readiness_off_first_and_loses_no_request() -> None:
    failures: list[str] = []
    answered = 0
    with serve(NALU_SHUTDOWN_GRACE_SECONDS="1") as server, httpx.Client(base_url=server.url) as client:
        stop = threading.Event()

        def ask() -> None:
            nonlocal answered
            with httpx.Client(base_url=server.url) as mine:
                while not stop.is_set():
                    if mine.post("/predict/arithmetic", json=BODY).status_code != 200:
                        failures.append("status")
                    answered += 1

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        server.process.terminate()
        time.sleep(0.3)
        draining = client.get("/health/ready")
        assert draining.status_code == 503
        assert draining.json()["ready"] is False
        assert draining.headers["connection"] == "close"
        assert client.post("/predict/arithmetic", json=BODY).status_code == 200
        stop.set()
        for thread in threads:
            thread.join()
        server.process.wait(10)
    assert failures == []
    assert answered > 10


def test_workers_answer_and_count_together() -> None:
    with serve(ROOT / "repository", "--workers", "2") as server:
        for _ in range(40):
            assert httpx.post(f"{server.url}/predict/arithmetic", json=BODY).json()["predictions"][0][0] > 6.9
        totals = set()
        for _ in range(6):
            families = {f.name: f for f in text_string_to_metric_families(httpx.get(f"{server.url}/metrics").text)}
            totals.add(sum(s.value for s in families["nalu_prediction_rows"].samples if s.name.endswith("_total")))
        assert totals == {40.0}
        server.stop()


def test_a_wrong_setting_ends_with_one_sentence_and_code_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "--repository", "nowhere"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        "nalu-serve: NALU_REPOSITORY is 'nowhere', which is not a folder; give the folder of the models.\n"
    )


def test_a_port_that_is_taken_is_said_before_any_model_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "app", "--port", port]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        f"nalu-serve: NALU_HOST and NALU_PORT are 127.0.0.1 and {port}, which cannot be listened on "
        f"(Address already in use); choose another with --port or --host.\n"
    )


def test_a_large_picture_leaves_no_memory_behind() -> None:
    content = io.BytesIO()
    Image.new("L", (4900, 4900), 200).save(content, "PNG")
    with serve(NALU_DEVICE="cpu") as server:
        before = resident_megabytes(server.process.pid)
        files = [("files", ("large.png", content.getvalue()))] * 2
        answer = httpx.post(f"{server.url}/predict/image", data={"model": "digit"}, files=files, timeout=60)
        assert len(answer.json()["predictions"]) == 2
        assert resident_megabytes(server.process.pid) < before + 100
