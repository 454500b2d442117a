"""What others write into the environment, and the settings file."""

import logging
import os
import runpy
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import app.__main__
from app.__main__ import create_worker
from app.main import create_app
from app.settings import Environment, Settings, SettingsError, log_variable_warnings, read_settings

VARIABLES = [f"NALU_{name.upper()}" for name in Settings.model_fields]
LINKS_OF_NALU = {
    "NALU_SERVICE_HOST": "10.0.0.1",
    "NALU_SERVICE_PORT": "8000",
    "NALU_SERVICE_PORT_HTTP": "8000",
    "NALU_PORT": "tcp://10.0.0.1:8000",
    "NALU_PORT_8000_TCP": "tcp://10.0.0.1:8000",
    "NALU_PORT_8000_TCP_PROTO": "tcp",
    "NALU_PORT_8000_TCP_PORT": "8000",
    "NALU_PORT_8000_TCP_ADDR": "10.0.0.1",
}
"""What Kubernetes sets for a Service named nalu with a port named http."""
IGNORED = (
    "Ignored {}: Kubernetes' links to a Service whose name begins with nalu; "
    "set enableServiceLinks: false in the pod's spec to leave them out."
)


def set_all(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.clear()
    log_variable_warnings(Environment())
    assert all(record.levelno == logging.WARNING for record in caplog.records)
    return list(caplog.messages)


def test_the_links_that_kubernetes_makes_for_a_service_named_nalu_are_ignored_with_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    set_all(monkeypatch, LINKS_OF_NALU)
    assert read_settings() == Settings()
    assert warnings(caplog) == [IGNORED.format("NALU_PORT, NALU_PORT_8000_TCP, NALU_PORT_8000_TCP_ADDR and 5 more")]


@pytest.mark.parametrize("url", ["udp://10.0.0.1:53", "sctp://10.0.0.1:9", "tcp://[fd00::1]:8000", "TCP://x:1"])
def test_links_of_every_protocol_and_address_are_ignored(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    monkeypatch.setenv("NALU_PORT", url)
    assert read_settings().port == 8000
    assert warnings(caplog) == [IGNORED.format("NALU_PORT")]


@pytest.mark.parametrize("service", ["host", "workers", "max-rows", "serve", "port"])
def test_links_of_services_whose_names_begin_as_settings_do_are_ignored(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, service: str
) -> None:
    prefix = f"NALU_{service.upper().replace('-', '_')}"
    set_all(monkeypatch, {name.replace("NALU", prefix, 1): value for name, value in LINKS_OF_NALU.items()})
    assert read_settings() == Settings()
    [line] = warnings(caplog)
    assert line.startswith(f"Ignored {prefix}_PORT")


@pytest.mark.parametrize(
    ("count", "listed"),
    [
        (1, "NALU_PORT"),
        (2, "NALU_PORT and NALU_SERVICE_HOST"),
        (3, "NALU_PORT, NALU_SERVICE_HOST and NALU_SERVICE_PORT"),
        (4, "NALU_PORT, NALU_SERVICE_HOST, NALU_SERVICE_PORT and 1 more"),
    ],
)
def test_links_are_named_beginning_with_the_one_that_has_the_name_of_a_setting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, count: int, listed: str
) -> None:
    names = ["NALU_PORT", "NALU_SERVICE_HOST", "NALU_SERVICE_PORT", "NALU_SERVICE_PORT_HTTP"]
    set_all(monkeypatch, {name: LINKS_OF_NALU[name] for name in names[:count]})
    assert warnings(caplog) == [IGNORED.format(listed)]


def test_a_port_beside_service_links_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, LINKS_OF_NALU | {"NALU_PORT": "9000"})
    assert read_settings().port == 9000
    monkeypatch.setenv("NALU_PORT", LINKS_OF_NALU["NALU_PORT"])
    assert read_settings(port="9001").port == 9001


@pytest.mark.parametrize("value", ["http://10.0.0.1:8000", "10.0.0.1:8000", "tcp:8000"])
def test_what_is_no_link_and_no_port_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("NALU_PORT", value)
    with pytest.raises(SettingsError, match=r"^NALU_PORT is '.*': must be an integer from 0 to 65535;"):
        read_settings()


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("value", ["", " ", "\n", '""', "'  '"])
def test_an_empty_variable_is_the_default(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert read_settings() == Settings()
    opened = "NALU_API_KEYS_FILE is empty, so no request needs a key; name a file, or leave it out."
    assert warnings(caplog) == ([opened] if variable == "NALU_API_KEYS_FILE" else [])


@pytest.mark.parametrize("around", ["{}\n", " {} ", '"{}"', "'{}'", '"{}"\r\n', "\t' {} '"])
def test_quotes_and_blanks_around_a_value_do_not_count(monkeypatch: pytest.MonkeyPatch, around: str) -> None:
    values = {"port": 9000, "metrics_require_key": True, "log_level": "error", "repository": Path("/a b")}
    for name, value in values.items():
        monkeypatch.setenv(f"NALU_{name.upper()}", around.format(value))
    settings = read_settings()
    assert {name: getattr(settings, name) for name in values} == values


def test_arguments_are_cleaned_as_variables_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NALU_WORKERS", "3")
    settings = read_settings(port=' "9000"\n', host="", repository=" ", workers=None)
    assert (settings.port, settings.workers) == (9000, 3)
    assert (settings.host, settings.repository) == (Settings().host, Settings().repository)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("device", "CPU", "cpu"),
        ("model_control", "Explicit", "explicit"),
        ("log_level", "WARNING", "warning"),
        ("log_format", "JSON", "json"),
        ("access_log", "TRUE", True),
        ("metrics_require_key", "Yes", True),
    ],
)
def test_words_are_read_in_capitals_too(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: object
) -> None:
    monkeypatch.setenv(f"NALU_{name.upper()}", value)
    assert getattr(read_settings(), name) == expected


@pytest.mark.parametrize(
    ("name", "repair"),
    [
        ("NALU_WORKER", "did you mean NALU_WORKERS?"),
        ("NALU_MAX_BODY_BYTE", "did you mean NALU_MAX_BODY_BYTES?"),
        ("NALU_API_KEY_FILE", "did you mean NALU_API_KEYS_FILE?"),
        ("NALU_PROT", "did you mean NALU_PORT?"),
        ("NALU_COLOUR", "docs/serving.md lists the settings."),
    ],
)
def test_a_variable_that_is_no_setting_is_warned_of_with_the_name_that_may_be_meant(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, repair: str
) -> None:
    monkeypatch.setenv(name, "2")
    assert read_settings() == Settings()
    assert warnings(caplog) == [f"{name} is not a setting of the service and is ignored; {repair}"]


def test_a_name_in_capitals_wins_over_the_same_in_small_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"nalu_port": "1", "NALU_PORT": "2", "Nalu_Workers": "3"})
    assert (read_settings().port, read_settings().workers) == (2, 3)


@pytest.mark.parametrize(
    ("old", "new", "value", "expected"),
    [
        ("NALU_MAX_BACKLOG_SECONDS", "NALU_MAX_QUEUE_DELAY_SECONDS", "2.5", 2.5),
        ("NALU_PROTECT_METRICS", "NALU_METRICS_REQUIRE_KEY", "true", True),
        ("nalu_protect_metrics", "NALU_METRICS_REQUIRE_KEY", "1", True),
    ],
)
def test_an_old_name_of_a_setting_works_on_and_is_warned_of_once(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    old: str,
    new: str,
    value: str,
    expected: object,
) -> None:
    monkeypatch.setenv(old, value)
    assert getattr(read_settings(), new.removeprefix("NALU_").lower()) == expected
    assert warnings(caplog) == [
        f"{old.upper()} is the old name of {new}, and a later version will ignore it; rename it."
    ]


def test_the_new_name_of_a_setting_wins_over_the_old_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    set_all(monkeypatch, {"NALU_MAX_BACKLOG_SECONDS": "nonsense", "NALU_MAX_QUEUE_DELAY_SECONDS": "3"})
    assert read_settings().max_queue_delay_seconds == 3
    assert warnings(caplog) == [
        "NALU_MAX_BACKLOG_SECONDS is the old name of NALU_MAX_QUEUE_DELAY_SECONDS, which is set too and wins; "
        "remove the old one."
    ]
    monkeypatch.setenv("NALU_MAX_QUEUE_DELAY_SECONDS", "")
    monkeypatch.setenv("NALU_MAX_BACKLOG_SECONDS", "4")
    assert read_settings().max_queue_delay_seconds == 4


def test_the_folder_for_metrics_of_another_program_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "/nowhere")
    monkeypatch.setattr("sys.argv", ["app", "--port", "70000"])
    before = signal.getsignal(signal.SIGHUP)
    try:
        with pytest.raises(SystemExit):
            runpy.run_path(app.__main__.__file__, run_name="__main__")
        assert signal.getsignal(signal.SIGHUP) != signal.SIG_DFL  # nor does a hangup end the process that starts
    finally:
        signal.signal(signal.SIGHUP, before)
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def test_an_application_that_reads_its_own_settings_warns_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    set_all(monkeypatch, {"NALU_REPOSITORY": str(tmp_path), "NALU_WORKER": "2", "NALU_THREADS": "1"})
    create_app(Settings(repository=tmp_path, threads=1))
    assert caplog.messages == []
    create_app()
    assert [message.partition(" ")[0] for message in caplog.messages] == ["NALU_WORKER"]


def test_a_worker_process_does_not_warn_again_of_what_the_first_process_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("app.__main__.configure_logging", lambda *_: None)
    set_all(monkeypatch, LINKS_OF_NALU | {"NALU_REPOSITORY": str(tmp_path), "NALU_WORKER": "2", "NALU_THREADS": "1"})
    create_worker()
    assert caplog.messages == []


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "settings.env"
    monkeypatch.setenv("NALU_SETTINGS_FILE", str(path))
    return path


def test_a_settings_file_is_read_and_the_environment_and_arguments_win(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["# of the service", "", "export NALU_PORT=9000  # why", 'NALU_HOST="::1"', "NALU_MAX_ROWS=5", "PORT=1"]
    file.write_text("\n".join(lines))
    monkeypatch.setenv("NALU_MAX_ROWS", "6")
    settings = read_settings(port=None)
    assert (settings.port, settings.host, settings.max_rows) == (9000, "::1", 6)
    assert settings.settings_file == file
    assert read_settings(port=7).port == 7


def test_a_service_link_in_the_environment_hides_no_setting_of_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text("NALU_PORT=9000\n")
    monkeypatch.setenv("NALU_PORT", LINKS_OF_NALU["NALU_PORT"])
    assert read_settings().port == 9000
    assert warnings(caplog) == [IGNORED.format("NALU_PORT")]


def test_an_old_name_in_the_environment_wins_over_the_new_one_in_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text("NALU_METRICS_REQUIRE_KEY=false\n")
    monkeypatch.setenv("NALU_PROTECT_METRICS", "true")
    assert read_settings().metrics_require_key
    assert warnings(caplog) == [
        "NALU_PROTECT_METRICS is the old name of NALU_METRICS_REQUIRE_KEY, and a later version will ignore it; "
        "rename it."
    ]
    monkeypatch.setenv("NALU_METRICS_REQUIRE_KEY", "false")
    assert not read_settings().metrics_require_key


def test_an_old_name_in_the_file_gives_way_to_the_new_one(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rest = "is the old name of NALU_METRICS_REQUIRE_KEY, which is set too and wins; remove the old one."
    file.write_text("NALU_PROTECT_METRICS=true\nNALU_METRICS_REQUIRE_KEY=false\n")
    assert not read_settings().metrics_require_key
    assert warnings(caplog) == [f"NALU_PROTECT_METRICS {rest}"]
    file.write_text("NALU_PROTECT_METRICS=true\n")
    monkeypatch.setenv("NALU_METRICS_REQUIRE_KEY", "false")
    assert not read_settings().metrics_require_key
    assert warnings(caplog) == [f"NALU_PROTECT_METRICS {rest}"]


def test_a_settings_file_of_windows_with_a_byte_order_mark_is_read(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfNALU_PORT=9000\r\nNALU_LOG_LEVEL='debug'\r\n")
    assert (read_settings().port, read_settings().log_level) == (9000, "debug")


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Gives the name of a settings file that can be read once, as ``<(command)`` of a shell does."""
    with ExitStack() as stack:

        def write(content: str) -> str:
            reading, writing = os.pipe()
            stack.callback(os.close, reading)
            os.write(writing, content.encode())
            os.close(writing)
            monkeypatch.setenv("NALU_SETTINGS_FILE", f"/dev/fd/{reading}")
            return f"/dev/fd/{reading}"

        yield write


def test_a_settings_file_that_can_be_read_once_is_enough_for_a_start(
    tmp_path: Path, pipe: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    name = pipe(f"NALU_REPOSITORY={tmp_path}\nNALU_THREADS=1\nNALU_WORKER=2\n")
    assert create_app().state.service.settings.repository == tmp_path
    assert caplog.messages == [
        f"NALU_WORKER in {name} is not a setting of the service and is ignored; did you mean NALU_WORKERS?"
    ]


def test_the_command_names_a_bad_value_in_a_settings_file_that_can_be_read_once(
    pipe: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = pipe("NALU_PORT=x\n")
    assert app.__main__.main([]) == 2
    rest = "must be an integer from 0 to 65535; correct it, or leave it out for 8000."
    assert capsys.readouterr().err == f"nalu-serve: NALU_PORT is 'x' in {name}: {rest}\n"


def test_messages_and_warnings_name_the_settings_file(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.write_text("NALU_WORKER=2\nNALU_PORT=tcp://10.0.0.1:1\nNALU_PROTECT_METRICS=perhaps\n")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    rest = "must be a boolean, true or false; correct it, or leave it out for false."
    assert str(caught.value) == f"NALU_PROTECT_METRICS is 'perhaps' in {file}: {rest}"
    assert f"NALU_WORKER in {file} is not a setting of the service and is ignored; did you mean NALU_WORKERS?" in (
        warnings(caplog)
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "which cannot be read (No such file or directory); give a file that can be."),
        ("NALU_PORT=1\nNALU_HOST\n", "whose line 2 is not `NAME=value`; correct it."),
        ("NALU_PORT: 1\n", "whose line 1 is not `NAME=value`; correct it."),
        ('{"NALU_PORT": 1}', "whose line 1 is not `NAME=value`; correct it."),
        ('NALU_PORT="1\n', "whose line 1 is not `NAME=value`; correct it."),
    ],
)
def test_a_bad_settings_file_is_named_with_its_line(file: Path, content: str | None, problem: str) -> None:
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value) == f"NALU_SETTINGS_FILE is '{file}', {problem}"


def test_a_folder_in_the_place_of_the_settings_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NALU_SETTINGS_FILE", str(tmp_path))
    with pytest.raises(SettingsError, match=r"which cannot be read \(Is a directory\); give a file that can be\.$"):
        read_settings()
