"""python -m app: serve a model repository."""

import gc
import os
import signal

if __name__ == "__main__":  # before the other imports, which take a second
    gc.disable()  # nothing that they make is garbage, and looking for it takes a while
    # prometheus_client reads it as it is imported, and would mix another program's metrics with ours, or fail
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: None)  # it would end the process; there is nothing to reload yet

import argparse
import errno
import logging
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import uvicorn
from fastapi import FastAPI

from app.backends import BackendError
from app.main import create_app
from app.observability.logs import configure_logging
from app.observability.metrics import MULTIPROCESS_FOLDER
from app.settings import (
    PREFIX,
    Environment,
    Settings,
    SettingsError,
    given_values,
    log_variable_warnings,
    read_settings,
)
from app.transport.accept_queue import BACKLOG, several
from app.transport.fast_path import FastPathProtocol
from app.transport.reload import ReadSettings
from app.transport.tls import ContextFactory, load_certificate, new_context
from app.transport.unix_socket import bind_unix_socket, check_unix_socket, remove_unix_sockets
from app.transport.workers import LISTENERS, REPLACEMENTS, run_workers

logger = logging.getLogger("uvicorn.error")

WORKER_START_SECONDS = 30
"""Time after which a worker that does not answer its supervisor is replaced; one that starts on a busy CPU is slow."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal; returns the exit code, 2 for an invalid setting."""
    options = _parser().parse_args(arguments)
    read = partial(read_settings, **vars(options))
    try:
        environment = Environment()
        settings = read(environment)
        configure_logging(settings.log_level, settings.log_format)
        log_variable_warnings(environment)
        app = create_app(settings, read=read)
        if settings.ssl_certfile is not None:
            load_certificate(new_context(), settings)
        if settings.uds is None:
            _check_address(settings.host, settings.port, "--port")
        else:
            check_unix_socket(settings.uds)
        if settings.grpc_port:
            _check_address(settings.host, settings.grpc_port, "NALU_GRPC_PORT")
        metrics_folder = _metrics_folder(settings) if settings.workers > 1 else None
    except (SettingsError, BackendError) as error:
        for line in str(error).splitlines():
            print(f"nalu-serve: {line}", file=sys.stderr)
        return 2
    try:
        if metrics_folder is None:
            config = _configuration(app, settings)
            listener = _bind(config, settings)
            app.state.service.listeners = [listener]
            uvicorn.Server(config).run(several(listener))
        else:
            with metrics_folder as folder:
                os.environ[MULTIPROCESS_FOLDER] = folder
                _run_workers(options, settings, read)
    finally:
        remove_unix_sockets()
    return 0


def _run_workers(options: argparse.Namespace, settings: Settings, read: ReadSettings) -> None:
    def reload() -> None:
        with suppress(SettingsError):  # which each worker logs
            new = read()
            configure_logging(new.log_level, new.log_format)

    for name, value in given_values(vars(options)).items():
        os.environ[f"{PREFIX}{name.upper()}"] = str(value)  # workers are new processes and read the environment
    config = _configuration("app.__main__:create_worker", settings)
    with _bind(config, settings) as reserved:
        run_workers(config, reserved, settings.shutdown_grace_seconds, reload)


def _bind(config: uvicorn.Config, settings: Settings) -> socket.socket:
    if settings.uds is None:
        return config.bind_socket()
    bound = bind_unix_socket(settings.uds, int(settings.uds_mode, 8))
    logger.info("Uvicorn running on unix socket %s (Press CTRL+C to quit)", settings.uds)
    return bound


def _metrics_folder(settings: Settings) -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="nalu-metrics-")
    except OSError as error:
        raise SettingsError(
            f"NALU_WORKERS is {settings.workers}, and workers count in a temporary folder, which cannot be made "
            f"({error.strerror}); name one that can be written to with TMPDIR, or set NALU_WORKERS=1."
        ) from error


def _configuration(app: FastAPI | str, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=settings.workers,
        backlog=BACKLOG,
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.ssl_certfile,
        ssl_context_factory=ContextFactory(settings) if settings.ssl_certfile else None,
        http=FastPathProtocol,
        interface="asgi3",
        ws="none",
        log_config=None,  # app.observability.logs configures it
        access_log=False,  # the dispatcher's has the request id
        proxy_headers=False,  # the client's address is not used but in the log, see app.http.forwarded
        server_header=False,
        timeout_worker_healthcheck=WORKER_START_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_timeout_seconds,
    )


def _check_address(host: str, port: int, option: str) -> None:
    """Fail before any model is loaded if the address cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except (OSError, ValueError) as error:  # ValueError: no name can be that long
        names = "NALU_HOST and NALU_PORT" if option == "--port" else f"NALU_HOST and {option}"
        raise SettingsError(
            f"{names} are {host} and {port}, which cannot be listened on "
            f"({_reason(error)}); choose another with {option} or --host."
        ) from error


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.errno is not None and error.errno in errno.errorcode:
        return os.strerror(error.errno)
    return "not the name or address of a host"


def create_worker() -> FastAPI:
    """The application of one worker process, with its settings from the environment."""
    settings = read_settings()
    configure_logging(settings.log_level, settings.log_format)
    # one that replaces a dead worker must start without the repository; the supervisor has checked the settings
    app = create_app(settings, read=read_settings, wait_for_repository=True)
    app.state.service.listeners = LISTENERS
    app.state.service.is_replacement = bool(REPLACEMENTS)
    return app


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app",
        description="Serve a model repository over HTTP.",
        epilog="Every other setting is an environment variable; docs/serving.md lists them.",
    )
    parser.add_argument(
        "--repository",
        help="folder of the models, or their address, as s3://bucket/prefix (NALU_REPOSITORY; repository)",
    )
    parser.add_argument("--host", help="address to listen on (NALU_HOST; 127.0.0.1)")
    parser.add_argument("--port", help="port to listen on (NALU_PORT; 8000)")
    parser.add_argument("--workers", help="number of processes (NALU_WORKERS; 1)")
    parser.add_argument("--uds", metavar="PATH", help="Unix socket to listen on, in the place of a port (NALU_UDS)")
    parser.add_argument("--ssl-certfile", metavar="PEM", help="certificate for TLS (NALU_SSL_CERTFILE)")
    parser.add_argument("--ssl-keyfile", metavar="PEM", help="private key, if not in that file (NALU_SSL_KEYFILE)")
    parser.add_argument("--root-path", metavar="PATH", help="prefix of a proxy before it, as /nalu (NALU_ROOT_PATH)")
    parser.add_argument(
        "--forwarded-allow-ips",
        metavar="LIST",
        help="proxies whose forwarded headers are believed (NALU_FORWARDED_ALLOW_IPS)",
    )
    return parser


if __name__ == "__main__":
    gc.freeze()  # else the next collection would look at all of it
    gc.enable()
    sys.exit(main())
