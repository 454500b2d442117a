"""Dockerfile, compose file and constraints, as far as they can be held to their promise without building."""

import json
import re
import tomllib
import urllib.request

import pytest

from tests.end_to_end.server import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


def test_the_image_runs_as_a_numeric_user_that_is_not_root() -> None:
    assert re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE) == ["10001"]


def test_the_image_turns_the_telemetry_of_onnx_runtime_off() -> None:
    assert re.search(r"^ENV (.*\\\n)*.*\bORT_DISABLE_TELEMETRY=1\b", DOCKERFILE, re.MULTILINE)


def test_what_is_copied_is_there_and_sent_to_the_builder() -> None:
    lines = [
        line.split()[1:-1] for line in DOCKERFILE.splitlines() if line.startswith("COPY ") and "--from" not in line
    ]
    sources = [source for line in lines for source in line]
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {"app", "models", "training", "repository"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists() or f"!{source}" not in sent] == []


def test_every_install_goes_through_the_constraints() -> None:
    logical = DOCKERFILE.replace("\\\n", " ") + (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in logical.splitlines() if "pip" in line and " install " in line]
    assert installs
    assert all("--constraint constraints.txt" in line for line in installs)


def test_services_are_hardened() -> None:
    for promise in ("read_only: true", "cap_drop:\n    - ALL", "no-new-privileges:true", "profiles: [gpu]"):
        assert promise in COMPOSE


def test_constraints_pin_every_dependency_of_the_project_and_torch_as_the_exports_were_made() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [need for extra in project["optional-dependencies"].values() for need in extra]
    needed = {re.match(r"[\w-]+", need)[0].replace("_", "-").lower() for need in [*project["dependencies"], *extras]}  # type: ignore[index]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.replace("_", "-").lower().split("==") for line in lines if not line.startswith("#"))
    assert needed - {"nalu-serve"} <= pinned.keys()
    assert pinned["torch"] == "2.13.0"
    assert pinned["onnxruntime"] == pinned["onnxruntime-gpu"]


@pytest.mark.parametrize(
    ("value", "port"), [("9000", 9000), ('"9000"\n', 9000), ("", 8000), ("tcp://10.0.0.1:9000", 8000), (None, 8000)]
)
def test_the_health_check_asks_the_port_on_which_the_service_listens(
    monkeypatch: pytest.MonkeyPatch, value: str | None, port: int
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: asked.append(url))
    if value is not None:
        monkeypatch.setenv("NALU_PORT", value)
    command = re.search(r"HEALTHCHECK .*\\\n +CMD (\[.*\])", DOCKERFILE)
    assert command is not None
    program, option, code = json.loads(command[1])
    assert (program, option) == ("python", "-c")
    exec(code)
    assert asked == [f"http://127.0.0.1:{port}/health/ready"]
