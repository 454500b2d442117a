"""TLS: what is no certificate is refused at the start, and a new one is taken while the service listens."""

import logging
import ssl
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from app.__main__ import main
from app.settings import Settings, SettingsError
from app.transport import tls
from tests.app.certificates import Certificate, make_certificate
from tests.app.factory import write_sum
from tests.app.raw_http import RawConnection, listening, post, predict_body, without_body

BODY = predict_body([3, 4])
NO_PAIR = "no certificate with its private key in PEM is there, so give both, in one file or two."
OTHER_KEY = "the key is not that of the certificate, so give the key that it was made with."
PASSWORD = "the key has a password, so set NALU_SSL_KEYFILE_PASSWORD to it."


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), "locked", "secret")


def settings_of(certificate: Path, key: Path | None = None, **more: Any) -> Settings:
    return Settings(ssl_certfile=certificate, ssl_keyfile=key, **more)


def load(settings: Settings) -> None:
    tls.load_certificate(tls.new_context(), settings)


def test_certificate_and_key_may_be_in_two_files_or_one(ours: Certificate, locked: Certificate, tmp_path: Path) -> None:
    load(settings_of(ours.certificate, ours.key))
    both = tmp_path / "both.pem"
    both.write_text(ours.certificate.read_text() + ours.key.read_text())
    load(settings_of(both))
    load(settings_of(locked.certificate, locked.key, ssl_keyfile_password="secret"))


@pytest.mark.parametrize(
    ("certificate", "key", "password", "problem"),
    [
        ("ours", None, None, NO_PAIR),
        ("ours", "locked", "secret", OTHER_KEY),
        ("ours", "text", None, NO_PAIR),
        ("text", None, None, NO_PAIR),
        ("locked", "locked", None, PASSWORD),
        ("locked", "locked", "wrong", PASSWORD),
        ("locked", "locked", "long" * 500, PASSWORD),
    ],
)
def test_what_is_no_certificate_with_its_key_is_named_with_the_repair(
    ours: Certificate,
    locked: Certificate,
    tmp_path: Path,
    certificate: str,
    key: str | None,
    password: str | None,
    problem: str,
) -> None:
    text = tmp_path / "text.pem"
    text.write_text("neither")
    files = {"ours": ours, "locked": locked, "text": Certificate(text, text)}
    signed, private = files[certificate].certificate, None if key is None else files[key].key
    with pytest.raises(SettingsError) as caught:
        load(settings_of(signed, private, ssl_keyfile_password=password if key else None))
    named = f"NALU_SSL_CERTFILE is '{signed}'" + (f" and NALU_SSL_KEYFILE is '{private}'" if private else "")
    assert str(caught.value) == f"{named}; {problem}"


def test_a_file_that_cannot_be_read_stops_the_start_with_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("app.__main__.configure_logging", lambda *_: None)
    missing = str(tmp_path / "missing.pem")
    assert main(["--repository", str(tmp_path), "--port", "0", "--ssl-certfile", missing]) == 2
    assert capsys.readouterr().err == (
        f"nalu-serve: NALU_SSL_CERTFILE is '{missing}', which cannot be read (No such file or directory); "
        "give a file that can be.\n"
    )


def test_a_new_certificate_is_taken_by_new_connections_and_a_bad_one_is_not(
    ours: Certificate, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "app")
    monkeypatch.setattr(tls, "CONTEXTS", [])
    write_sum(tmp_path / "repository")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"

    def put(pair: Certificate) -> None:
        certificate.write_bytes(pair.certificate.read_bytes())
        key.write_bytes(pair.key.read_bytes())

    put(ours)
    settings = settings_of(certificate, key)
    server = {"ssl_certfile": certificate, "ssl_context_factory": tls.ContextFactory(settings)}
    with listening(tmp_path / "repository", server=server) as live:
        with RawConnection(live.port, tls=ours.client()) as early:
            assert early.send(post(BODY)).answer().predictions() == [[7.0]]
            put(renewed := make_certificate(tmp_path, "renewed"))
            tls.reload_certificate(settings)
            assert early.send(post(BODY)).answer().predictions() == [[7.0]]
        with pytest.raises(ssl.SSLError):
            RawConnection(live.port, tls=ours.client())
        certificate.write_text("half")
        tls.reload_certificate(settings)
        with RawConnection(live.port, tls=renewed.client()) as late:
            assert late.send(without_body("GET", "/health/live")).answer("GET").status == 200
    assert [message for message in caplog.messages if "ertificate" in message] == [
        f"Read the certificate {certificate}.",
        f"NALU_SSL_CERTFILE is '{certificate}' and NALU_SSL_KEYFILE is '{key}'; {NO_PAIR} The certificate that was "
        "read before stays.",
    ]


def test_versions_of_tls_that_are_broken_are_not_spoken() -> None:
    assert tls.new_context().minimum_version >= ssl.TLSVersion.TLSv1_2


def test_without_tls_there_is_nothing_to_reload(ours: Certificate, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "app")
    tls.reload_certificate(Settings())
    assert caplog.messages == []
    assert not uvicorn.Config("app").is_ssl
