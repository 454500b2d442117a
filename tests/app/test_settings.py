import re
import socket
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest
import torch

from app.__main__ import main
from app.backends import BACKENDS, BackendError, create_backend
from app.main import create_app
from app.settings import Settings, SettingsError, read_settings
from app.settings.network import OWN_PATHS
from app.settings.rate import Rate

BAD = {
    "NALU_REPOSITORY": ("ftp://models", "s3://bucket/prefix"),
    "NALU_MODEL_NAME": ("a/b", "underscores"),
    "NALU_REPOSITORY_POLL_SECONDS": ("-1", "0"),
    "NALU_DEVICE": ("tpu", "'auto', 'cpu' or 'cuda'"),
    "NALU_PORT": ("65536", "65535"),
    "NALU_GRPC_PORT": ("65536", "65535"),
    "NALU_WORKERS": ("0", "1"),
    "NALU_THREADS": ("-1", "0"),
    "NALU_MAX_BODY_BYTES": ("0", "1"),
    "NALU_MAX_ROWS": ("many", "integer"),
    "NALU_MAX_FILES": ("1.5", "integer"),
    "NALU_MAX_PIXELS": ("0", "1"),
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
    "NALU_READY_WITHOUT_MODELS": ("later", "boolean"),
    "NALU_MAX_HEAD_BYTES": ("1023", "1024"),
    "NALU_MAX_HEADER_FIELDS": ("15", "16"),
    "NALU_HEAD_TIMEOUT_SECONDS": ("0", "0"),
    "NALU_KEEP_ALIVE_SECONDS": ("inf", "finite"),
    "NALU_SEND_TIMEOUT_SECONDS": ("-1", "0"),
    "NALU_MAX_CONNECTIONS": ("0", "1"),
    "NALU_MAX_CONNECTIONS_PER_ADDRESS": ("-1", "0"),
    "NALU_UDS_MODE": ("rw-", "octal"),
    "NALU_SSL_KEYFILE": ("key.pem", "NALU_SSL_CERTFILE"),
    "NALU_ROOT_PATH": ("nalu", "slash"),
    "NALU_FORWARDED_ALLOW_IPS": ("proxy.example", "addresses"),
    "NALU_CORS_ORIGINS": ("example.org", "scheme"),
    "NALU_MODEL_CONTROL": ("all", "'none' or 'explicit'"),
    "NALU_RATE_LIMIT": ("5/day", "s, min or h"),
    "NALU_METRICS_REQUIRE_KEY": ("perhaps", "boolean"),
    "NALU_SHUTDOWN_GRACE_SECONDS": ("nan", "finite"),
    "NALU_SHUTDOWN_TIMEOUT_SECONDS": ("0", "1"),
    "NALU_LOG_LEVEL": ("loud", "'debug', 'info', 'warning' or 'error'"),
    "NALU_LOG_FORMAT": ("xml", "'text' or 'json'"),
    "NALU_ACCESS_LOG": ("2", "boolean"),
}
"""A bad value of each setting, and the rule it breaks: the bound, type or choices, in whatever phrase of pydantic's."""
EXACT = {
    "NALU_REPOSITORY": (
        "s3://:secret@bucket",
        "must be a folder, or the address of an object store: s3://bucket/prefix, gs:// or az:// alike.",
    ),
    "NALU_PORT": ("65536", "must be an integer from 0 to 65535; correct it, or leave it out for 8000."),
    "NALU_WORKERS": ("1.5", "must be an integer from 1 to 1024; correct it, or leave it out for 1."),
    "NALU_THREADS": (f"1{'0' * 20}", "must be an integer from 0 to 1024; correct it, or leave it out for 0."),
    "NALU_MAX_FILES": ("0", "must be an integer of at least 1; correct it, or leave it out for 64."),
    "NALU_MAX_QUEUE_DELAY_SECONDS": (
        "1s",
        "must be a finite number greater than 0; correct it, or leave it out for 0.5.",
    ),
    "NALU_SHUTDOWN_GRACE_SECONDS": ("-1", "must be a finite number of at least 0; correct it, or leave it out for 1."),
    "NALU_RATE_LIMIT": ("0/s", "must be a whole number from 1 to 1000000000 of requests per s, min or h, as 100/s."),
    "NALU_METRICS_REQUIRE_KEY": ("banana", "must be a boolean, true or false; correct it, or leave it out for false."),
    "NALU_LOG_FORMAT": ("xml", "must be 'text' or 'json'; correct it, or leave it out for text."),
    "NALU_LOG_LEVEL": (
        "loud",
        "must be 'debug', 'info', 'warning' or 'error'; correct it, or leave it out for info.",
    ),
}
"""A bad value of a setting of each type, with the rest of the message."""
NO_BACKEND = "NALU_BACKEND is 'tensorflow', which is not a backend; choose one of onnx, torchscript."
NO_FOLDER = "NALU_REPOSITORY is '{}', which is not a folder; give the folder of the models."
TWO = (
    "NALU_PORT is 'y': must be an integer from 0 to 65535; correct it, or leave it out for 8000.\n"
    "NALU_THREADS is 'x': must be an integer from 0 to 1024; correct it, or leave it out for 0."
)
NO_HOST = (
    "NALU_HOST and NALU_PORT are {} and 1, which cannot be listened on (not the name or address of a host); "
    "choose another with --port or --host."
)
NO_GRPC_PORT = (
    "NALU_HOST and NALU_GRPC_PORT are 127.0.0.1 and {}, which cannot be listened on (Address already in use); "
    "choose another with NALU_GRPC_PORT or --host."
)
ONE_PORT = "NALU_GRPC_PORT is '8000': NALU_PORT is the same, which serves HTTP; give gRPC another port."
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
    free = {
        "REPOSITORY_CACHE",
        "HOST",
        "UDS",
        "SSL_CERTFILE",
        "SSL_KEYFILE_PASSWORD",
        "API_KEYS_FILE",
        "BACKEND",
        "SETTINGS_FILE",
    }
    assert {f"NALU_{name.upper()}" for name in Settings.model_fields} == BAD.keys() | {f"NALU_{name}" for name in free}


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


def test_a_bad_value_under_an_old_name_is_reported_under_the_name_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NALU_MAX_BACKLOG_SECONDS", "0")
    with pytest.raises(SettingsError, match=r"^NALU_MAX_BACKLOG_SECONDS is '0': must be .*greater than 0;"):
        read_settings()
    with pytest.raises(SettingsError, match=r"^NALU_MAX_QUEUE_DELAY_SECONDS is -1: "):
        read_settings(max_queue_delay_seconds=-1)
    monkeypatch.setenv("NALU_MAX_QUEUE_DELAY_SECONDS", "-2")
    with pytest.raises(SettingsError, match=r"^NALU_MAX_QUEUE_DELAY_SECONDS is '-2': "):
        read_settings()


@pytest.mark.parametrize(("variable", "value", "rest"), [(name, *bad) for name, bad in EXACT.items()], ids=EXACT)
def test_a_message_names_the_variable_its_value_the_rule_and_the_repair(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, rest: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value) == f"{variable} is '{value}': {rest}"


def test_all_bad_settings_are_named_at_once_and_none_at_length(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, (value, _) in BAD.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NALU_MAX_ROWS", "9" * 5000)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    lines = str(caught.value).splitlines()
    assert sorted(line.partition(" ")[0] for line in lines) == sorted(BAD.keys())
    assert max(map(len, lines)) < 250


def test_control_over_http_and_several_workers_exclude_one_another() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(workers=2, model_control="explicit")
    assert str(caught.value) == (
        "NALU_MODEL_CONTROL is 'explicit': a load request reaches only one of the workers; set NALU_WORKERS=1 or rely "
        "on polling."
    )


ORIGINS_RULE = (
    "must be * or origins with commas between them, each a scheme and a host, and a port unless it is the scheme's "
    "own, as https://app.example.org,http://localhost:3000."
)


@pytest.mark.parametrize(
    "value",
    [
        *("https://a.example/", "a.example", "*,https://a.example", "https://*.a.example", "https://a.example:443"),
        *("null", "https://u@a.example", "https://", "https://a.example,", "https://a.example:x", "http://ä.example"),
        *("https://a b", "https://a.example:99999", "https://[::1", "https://a.example?b"),
    ],
)
def test_what_no_browser_sends_is_no_origin(value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(cors_origins=value)
    assert str(caught.value) == f"NALU_CORS_ORIGINS is '{value}': {ORIGINS_RULE}"


def test_origins_are_kept_as_browsers_send_them() -> None:
    settings = read_settings(cors_origins="https://App.example, http://localhost:3000,chrome-extension://abc")
    assert settings.cors_origins == {"https://app.example", "http://localhost:3000", "chrome-extension://abc"}
    assert read_settings(cors_origins="*").cors_origins == {"*"}


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("nalu", "must be a path of letters, digits and . _ ~ - that begins with a slash, as /nalu."),
        ("//nalu", "must be a path of letters, digits and . _ ~ - that begins with a slash, as /nalu."),
        ("/a/../b", "must be a path of letters, digits and . _ ~ - that begins with a slash, as /nalu."),
        ("/a?b", "must be a path of letters, digits and . _ ~ - that begins with a slash, as /nalu."),
        ("/v2/models", "begins as a path of the service's own does ({}); choose another."),
    ],
)
def test_what_is_no_prefix_of_paths_is_refused(value: str, rule: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(root_path=value)
    assert str(caught.value) == f"NALU_ROOT_PATH is '{value}': {rule.format(', '.join(sorted(OWN_PATHS)))}"


def test_a_password_is_never_shown() -> None:
    settings = read_settings(ssl_certfile="a.pem", ssl_keyfile_password="hunter2")
    assert "hunter2" not in repr(settings)


def test_the_name_of_one_model_beside_an_object_store_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NALU_MODEL_NAME", "price")
    with pytest.raises(SettingsError) as error:
        read_settings(repository="s3://bucket/models")
    assert str(error.value) == (
        "NALU_MODEL_NAME is 'price': NALU_REPOSITORY is an object store, not the folder of one model; "
        "leave out one of them."
    )


def test_a_rate_limit_without_keys_to_count_by_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NALU_RATE_LIMIT", "100/s")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value) == (
        "NALU_RATE_LIMIT is '100/s': it limits the requests of each API key; set NALU_API_KEYS_FILE too."
    )
    assert read_settings(api_keys_file="keys.txt").rate_limit == Rate(100, "s")


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
        (
            {},
            ["--port", "70000"],
            "NALU_PORT is '70000': must be an integer from 0 to 65535; correct it, or leave it out for 8000.",
        ),
        (
            {},
            ["--workers", "two"],
            "NALU_WORKERS is 'two': must be an integer from 1 to 1024; correct it, or leave it out for 1.",
        ),
        ({"NALU_THREADS": "x"}, ["--port", "y"], TWO),
        ({"NALU_HOST": "no.such.host.invalid"}, ["--port", "1"], NO_HOST.format("no.such.host.invalid")),
        ({"NALU_HOST": "a" * 70}, ["--port", "1"], NO_HOST.format("a" * 70)),
        ({"NALU_HOST": "[::1]"}, ["--port", "1"], NO_HOST.format("[::1]")),
        ({"NALU_GRPC_PORT": "8000"}, ["--port", "8000"], ONE_PORT),
        ({"NALU_BACKEND": "tensorflow"}, ["--repository", "/"], NO_BACKEND),
        ({"NALU_DEVICE": "cuda"}, ["--repository", "/"], NO_CUDA["onnx"]),
        ({"NALU_DEVICE": "cuda", "NALU_BACKEND": "torchscript"}, ["--repository", "/"], NO_CUDA["torchscript"]),
    ],
)
def test_the_command_ends_with_2_and_a_line_for_each_bad_setting(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    arguments: list[str],
    reported: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("app.__main__.configure_logging", lambda *_: None)
    assert main(arguments) == 2
    assert capsys.readouterr() == ("", "".join(f"nalu-serve: {line}\n" for line in reported.splitlines()))


@pytest.mark.slow
def test_python_m_app_ends_with_2_and_one_line() -> None:
    command = [sys.executable, "-m", "app", "--repository", "/nowhere"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"nalu-serve: {NO_FOLDER.format('/nowhere')}\n"


def test_a_port_for_grpc_that_is_taken_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("NALU_GRPC_PORT", str(port))
        assert main(["--repository", str(tmp_path), "--port", "0"]) == 2
    assert capsys.readouterr().err == f"nalu-serve: {NO_GRPC_PORT.format(port)}\n"
