import os
import re
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest
import torch

from app.__main__ import main
from app.backends import BACKENDS, BackendError, create_backend
from app.main import create_app
from app.settings import Settings, SettingsError, deprecation_warnings, read_settings, rename_old_variables

BAD = {
    "NALU_REPOSITORY_POLL_SECONDS": ("-1", "0"),
    "NALU_DEVICE": ("tpu", "'auto', 'cpu' or 'cuda'"),
    "NALU_PORT": ("65536", "65535"),
    "NALU_WORKERS": ("0", "1"),
    "NALU_THREADS": ("-1", "0"),
    "NALU_MAX_BODY_BYTES": ("0", "1"),
    "NALU_MAX_ROWS": ("many", "integer"),
    "NALU_MAX_FILES": ("1.5", "integer"),
    "NALU_MAX_PIXELS": ("", "integer"),
    "NALU_MAX_UNRESIZED_PIXELS": ("0", "1"),
    "NALU_MAX_REQUEST_PIXELS": ("0", "1"),
    "NALU_MAX_JSON_DEPTH": ("201", "200"),
    "NALU_MAX_JSON_VALUES": ("999", "1000"),
    "NALU_MAX_QUEUED_ROWS": ("0", "1"),
    "NALU_MAX_QUEUED_PIXELS": ("0", "1"),
    "NALU_MAX_QUEUE_DELAY_SECONDS": ("0", "0"),
    "NALU_MAX_BATCH_ROWS": ("0", "1"),
    "NALU_MAX_CONCURRENT_BATCHES": ("-1", "0"),
    "NALU_MAX_CONCURRENT_PIXELS": ("0", "1"),
    "NALU_REQUEST_TIMEOUT_SECONDS": ("inf", "finite"),
    "NALU_MODEL_CONTROL": ("all", "'none' or 'explicit'"),
    "NALU_METRICS_REQUIRE_KEY": ("perhaps", "boolean"),
    "NALU_SHUTDOWN_GRACE_SECONDS": ("nan", "finite"),
    "NALU_SHUTDOWN_TIMEOUT_SECONDS": ("0", "1"),
    "NALU_LOG_LEVEL": ("loud", "'debug', 'info', 'warning' or 'error'"),
    "NALU_LOG_FORMAT": ("xml", "'text' or 'json'"),
    "NALU_ACCESS_LOG": ("2", "boolean"),
}
"""A bad value of each setting, and the rule it breaks: the bound, type or choices, in whatever phrase of pydantic's."""
NO_BACKEND = "NALU_BACKEND is 'tensorflow', which is not a backend; choose one of onnx, torchscript."
NO_FOLDER = "NALU_REPOSITORY is '{}', which is not a folder; give the folder of the models."
NO_CUDA = {
    "onnx": "NALU_DEVICE is cuda, but the installed ONNX Runtime has no CUDA: install nalu-serve[gpu] "
    "in the place of onnxruntime, or set NALU_DEVICE=cpu.",
    "torchscript": "NALU_DEVICE is cuda, but PyTorch finds no CUDA device; set NALU_DEVICE=cpu.",
}
NO_TORCH = (
    "NALU_BACKEND is torchscript, but PyTorch is not installed: pip install 'nalu-serve[torch]', "
    "or set NALU_BACKEND=onnx."
)


@pytest.fixture
def without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_every_setting_is_an_environment_variable_with_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NALU_REPOSITORY", "/somewhere")
    monkeypatch.setenv("NALU_MAX_ROWS", "7")
    monkeypatch.setenv("MAX_FILES", "7")
    settings = read_settings()
    assert (settings.repository, settings.max_rows, settings.max_files) == (Path("/somewhere"), 7, 64)


def test_a_given_value_counts_more_than_the_environment_and_none_leaves_it_to_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NALU_PORT", "1")
    monkeypatch.setenv("NALU_HOST", "::1")
    settings = read_settings(port=2, host=None)
    assert (settings.port, settings.host) == (2, "::1")


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = read_settings()
    assert settings.repository_poll_seconds == 2
    assert (settings.repository, settings.host, settings.port) == (Path("repository"), "127.0.0.1", 8000)
    assert (settings.backend, settings.device, settings.workers) == ("onnx", "auto", 1)


def test_every_setting_has_a_description_and_a_bad_value() -> None:
    assert all(field.description for field in Settings.model_fields.values())
    free = {"NALU_REPOSITORY", "NALU_HOST", "NALU_API_KEYS_FILE", "NALU_BACKEND"}
    assert {f"NALU_{name.upper()}" for name in Settings.model_fields} == BAD.keys() | free


@pytest.mark.parametrize(("variable", "value", "rule"), [(name, *bad) for name, bad in BAD.items()], ids=BAD)
def test_a_bad_setting_is_named_with_its_value_and_rule(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, rule: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    message = str(caught.value)
    assert message.startswith(f"{variable} is {value!r}: ")
    assert re.search(rf"(?<!\w){rule}(?!\w)", message.partition(": ")[2])
    assert message.endswith(".")


@pytest.mark.parametrize(
    ("old", "new", "value", "expected"),
    [
        ("NALU_MAX_BACKLOG_SECONDS", "NALU_MAX_QUEUE_DELAY_SECONDS", "2.5", 2.5),
        ("NALU_PROTECT_METRICS", "NALU_METRICS_REQUIRE_KEY", "true", True),
        ("nalu_protect_metrics", "NALU_METRICS_REQUIRE_KEY", "1", True),
    ],
)
def test_an_old_name_of_a_setting_works_on_and_is_warned_of_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    old: str,
    new: str,
    value: str,
    expected: object,
) -> None:
    monkeypatch.setenv(old, value)
    settings = read_settings(repository=tmp_path)
    assert getattr(settings, new.removeprefix("NALU_").lower()) == expected
    create_app(settings)
    warning = f"{old.upper()} is the old name of {new}, and a later version will ignore it; rename it."
    assert caplog.messages == [warning]


def test_the_new_name_of_a_setting_wins_over_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NALU_MAX_BACKLOG_SECONDS", "nonsense")
    monkeypatch.setenv("NALU_MAX_QUEUE_DELAY_SECONDS", "3")
    settings = read_settings(repository=tmp_path)
    assert settings.max_queue_delay_seconds == 3
    create_app(settings)
    assert caplog.messages == [
        "NALU_MAX_BACKLOG_SECONDS is the old name of NALU_MAX_QUEUE_DELAY_SECONDS, which is set too and wins; "
        "remove the old one."
    ]


def test_workers_inherit_new_names_only_and_warn_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"NALU_PROTECT_METRICS": "true", "nalu_max_backlog_seconds": "3"})
    rename_old_variables()
    assert os.environ == {"NALU_METRICS_REQUIRE_KEY": "true", "NALU_MAX_QUEUE_DELAY_SECONDS": "3"}
    assert deprecation_warnings() == []


def test_a_bad_value_under_an_old_name_is_reported_under_the_name_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NALU_MAX_BACKLOG_SECONDS", "0")
    with pytest.raises(SettingsError, match=r"^NALU_MAX_BACKLOG_SECONDS is '0': .*greater than 0\.$"):
        read_settings()
    with pytest.raises(SettingsError, match=r"^NALU_MAX_QUEUE_DELAY_SECONDS is -1: "):
        read_settings(max_queue_delay_seconds=-1)
    monkeypatch.setenv("NALU_MAX_QUEUE_DELAY_SECONDS", "-2")
    with pytest.raises(SettingsError, match=r"^NALU_MAX_QUEUE_DELAY_SECONDS is '-2': "):
        read_settings()


def test_control_over_http_and_several_workers_exclude_one_another() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(workers=2, model_control="explicit")
    assert str(caught.value) == (
        "NALU_MODEL_CONTROL is 'explicit': a load request reaches only one of the workers; set NALU_WORKERS=1 or rely "
        "on polling."
    )


def test_a_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^NALU_SPEED is 3: .* not permitted\.$"):
        read_settings(speed=3)


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_repository_that_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError) as caught:
        create_app(Settings(repository=tmp_path / name))
    assert str(caught.value) == NO_FOLDER.format(tmp_path / name)


def test_a_backend_that_does_not_exist_is_named_and_the_others_offered(tmp_path: Path) -> None:
    with pytest.raises(BackendError) as caught:
        create_app(Settings(repository=tmp_path, backend="tensorflow"))
    assert str(caught.value) == NO_BACKEND


@pytest.mark.usefixtures("without_cuda")
@pytest.mark.parametrize("backend", BACKENDS)
def test_cuda_that_is_not_there_is_refused_and_auto_takes_the_cpu(tmp_path: Path, backend: str) -> None:
    with pytest.raises(BackendError) as caught:
        create_app(Settings(repository=tmp_path, backend=backend, device="cuda", threads=1))
    assert str(caught.value) == NO_CUDA[backend]
    assert create_backend(backend, "auto", 1).device == "cpu"


def test_torchscript_without_torch_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BackendError) as caught:
        create_app(Settings(repository=tmp_path, backend="torchscript"))
    assert str(caught.value) == NO_TORCH
    create_app(Settings(repository=tmp_path, backend="onnx", threads=1))


@pytest.mark.usefixtures("without_cuda")
@pytest.mark.parametrize(
    ("environment", "arguments", "reported"),
    [
        ({}, ["--repository", "/nowhere"], NO_FOLDER.format("/nowhere")),
        ({}, ["--port", "70000"], "NALU_PORT is 70000: Input should be less than or equal to 65535."),
        ({"NALU_BACKEND": "tensorflow"}, ["--repository", "/"], NO_BACKEND),
        ({"NALU_DEVICE": "cuda"}, ["--repository", "/"], NO_CUDA["onnx"]),
        ({"NALU_DEVICE": "cuda", "NALU_BACKEND": "torchscript"}, ["--repository", "/"], NO_CUDA["torchscript"]),
    ],
)
def test_the_command_ends_with_2_and_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    arguments: list[str],
    reported: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(arguments) == 2
    assert capsys.readouterr() == ("", f"nalu-serve: {reported}\n")


@pytest.mark.slow
def test_python_m_app_ends_with_2_and_one_line() -> None:
    command = [sys.executable, "-m", "app", "--repository", "/nowhere"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"nalu-serve: {NO_FOLDER.format('/nowhere')}\n"


def test_a_variable_that_is_not_a_setting_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NALU_PROT", "8312")
    create_app(Settings(repository=tmp_path))
    assert (
        "NALU_PROT is not a setting of the service and is ignored; docs/serving.md lists the settings."
        in caplog.messages
    )
