"""python -m benchmarks.monitoring: a real Prometheus reads the running service with the rules of deploy/.

Starts the service with two workers and Prometheus (Debian's package), sends requests that should raise some of the
alerts, and asks Prometheus for every query of the dashboard and the state of every alert; then it stops the service.
Waiting times and windows are shortened to seconds. Exits with 1 if a query finds nothing or an alert is not in the
state that it should be in. ``--write`` writes the page of results.
"""

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.serving.servers import free_port, stop

DEPLOY = Path("deploy")
RESULTS = Path("docs/results/monitoring.md")
MODELS = ("add", "digit", "multiply")
KEYS = {"other": "", "page": " rate=1/h"}
"""Names of the API keys, which are their texts too, with what follows on their lines."""
LOAD_SECONDS = 25
WINDOW = "10s"
FIRING = {"NaluExtrapolating", "NaluFarOutside", "NaluModelDamaged", "NaluRateLimited"}
"""Alerts that the requests raise."""
FIRING_AFTERWARDS = "NaluDown"


def main() -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monitoring")
    parser.add_argument("--write", action="store_true", help=f"write the page of results, {RESULTS}")
    write = parser.parse_args().write
    if shutil.which("prometheus") is None:
        raise SystemExit("This needs the command prometheus: apt-get install prometheus.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with service(folder) as (process, port), prometheus(folder, port) as url:
            send_requests(port)
            found = {title: len(query(url, expression)) for title, expression in panels()}
            states = alert_states(url)
            stop(process)
            time.sleep(5)
            afterwards = alert_states(url)[FIRING_AFTERWARDS]
            version = get(f"{url}/api/v1/status/buildinfo")["version"]
    page = report(version, found, states, afterwards)
    print(page)
    if write:
        RESULTS.write_text(page, encoding="utf-8")
    right = {alert for alert, state in states.items() if state == "firing"} == FIRING and afterwards == "firing"
    return 0 if right and all(found.values()) else 1


@contextmanager
def service(folder: Path) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """The service with two workers, a damaged model, and keys; gives its process and port once it is ready."""
    for model in MODELS:
        shutil.copytree(Path("repository") / model, folder / "repository" / model)
    shutil.copytree(Path("repository/add"), folder / "repository" / "damaged")
    lines = [f"{name} {sha256(name.encode()).hexdigest()}{rest}\n" for name, rest in KEYS.items()]
    (folder / "keys").write_text("".join(lines), encoding="utf-8")
    port = free_port()
    settings = {"NALU_REPOSITORY": str(folder / "repository"), "NALU_API_KEYS_FILE": str(folder / "keys")}
    command = [sys.executable, "-m", "app", "--port", str(port), "--workers", "2"]
    process = subprocess.Popen(
        command, env={**os.environ, "NALU_LOG_LEVEL": "warning", "NALU_HEAD_TIMEOUT_SECONDS": "1", **settings}
    )
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}/health/ready")
        yield process, port
    finally:
        stop(process)


def wait_until_ready(process: "subprocess.Popen[bytes]", url: str) -> None:
    """Wait until an address answers with success.

    Raises:
        SystemExit: its process has stopped, or a minute has passed.
    """
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{url} does not answer; see above.") from None
            time.sleep(0.2)


@contextmanager
def prometheus(folder: Path, port: int) -> Iterator[str]:
    """Prometheus with the configuration of deploy/, shortened; gives its address."""
    config, rules = ((DEPLOY / "prometheus" / name).read_text("utf-8") for name in ("prometheus.yml", "alerts.yml"))
    found = f"static_configs: [{{targets: ['127.0.0.1:{port}']}}]"  # in the place of DNS, which is not here
    config = re.sub(r"dns_sd_configs: .*nalu.*", found, config).replace("15s", "1s")
    (folder / "prometheus.yml").write_text(config, encoding="utf-8")
    rules = re.sub(r"for: \d+m", "for: 2s", re.sub(r"\[\d+m\]", f"[{WINDOW}]", rules))
    (folder / "alerts.yml").write_text(rules, encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    process = subprocess.Popen(["prometheus", *options, f"--web.listen-address={address}", "--log.level=warn"])
    try:
        wait_until_ready(process, f"http://{address}/-/ready")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait()


def send_requests(port: int) -> None:
    """Send rows inside and far outside the training range, more of one key than its rate, and nothing at all."""
    rows = {"add": [[1e4, 1.0]], "multiply": [[1.5, 1.5]]}
    end = time.monotonic() + LOAD_SECONDS
    silent = socket.create_connection(("127.0.0.1", port))
    while time.monotonic() < end:
        if time.monotonic() % 2 < 0.1:  # the service has closed it
            silent.close()
            silent = socket.create_connection(("127.0.0.1", port))
        for model, inputs in rows.items():
            send(port, "/predict/arithmetic", {"model": model, "inputs": inputs})
        send(port, "/models", None, "page")
        time.sleep(0.02)
    silent.close()


def send(port: int, path: str, body: Any, key: str = "other") -> None:
    """Send a request on a connection of its own; an error is an answer too."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", content, {"X-API-Key": key})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            response.read()
    except urllib.error.HTTPError as error:
        error.close()


def panels() -> list[tuple[str, str]]:
    """Title and expression of every query of the dashboard, with its variables filled in."""
    dashboard = json.loads((DEPLOY / "grafana/dashboard.json").read_text("utf-8"))
    queries = []
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"].replace("$__rate_interval", WINDOW)
            title = f"{panel['title']}, {target['refId']}" if len(panel["targets"]) > 1 else panel["title"]
            queries.append((title, re.sub(r"\$\w+", ".*", expression)))
    return queries


def get(url: str) -> Any:
    """The data of a response of Prometheus."""
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)["data"]


def query(url: str, expression: str) -> list[Any]:
    """The series that an expression finds now, without those that are no number."""
    found = get(f"{url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")["result"]
    return [series for series in found if series["value"][1] != "NaN"]


def alert_states(url: str) -> dict[str, str]:
    """The state of every alert: inactive, pending or firing."""
    rules = get(f"{url}/api/v1/rules")["groups"][0]["rules"]
    return {rule["name"]: rule["state"] for rule in rules if rule["health"] == "ok"}


def report(version: str, found: dict[str, int], states: dict[str, str], afterwards: str) -> str:
    """The page of results."""
    lines = [
        "# Monitoring",
        "",
        "`python -m benchmarks.monitoring --write` measures this: the service with two workers, and Prometheus "
        f"{version} with the files of `deploy/prometheus`, their times shortened to seconds. Half of the rows lie far "
        f"outside the training range, one model is damaged, one key sends more than its rate, and connections stay "
        f"silent. On "
        f"{datetime.now(UTC):%Y-%m-%d}.",
        "",
        "| Query of the dashboard | Series found |",
        "| --- | --- |",
        *(f"| {title} | {count} |" for title, count in found.items()),
        "",
        "| Alert | State | Should be |",
        "| --- | --- | --- |",
        *(f"| {alert} | {state} | {'firing' if alert in FIRING else 'inactive'} |" for alert, state in states.items()),
        f"| {FIRING_AFTERWARDS}, after the service has stopped | {afterwards} | firing |",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
