"""The application: the only place where its parts are put together."""

import asyncio
import gc
import logging
import os
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from app.auth.access import Access
from app.auth.keys import APIKeys
from app.auth.rate_limiter import Limiter, RateLimiter
from app.backends import create_backend
from app.backends.cpu import cpu_budget
from app.backends.malloc import limit_arenas, trim_when_idle
from app.batching.scheduler import BatchScheduler
from app.http import example_images, example_table, openapi
from app.http.dispatcher import Dispatcher
from app.http.problems import install_error_handlers
from app.http.routing import RouteTable
from app.observability.metrics import MULTIPROCESS_FOLDER, Metrics, VersionStatus
from app.observability.tracing import create_tracer
from app.repository.check import check_repository
from app.repository.mirror.open_mirror import open_mirror
from app.repository.repository import Repository
from app.routes import health, model_files, models, page, predict, v2
from app.service import Service
from app.settings import Environment, Settings, log_variable_warnings, read_settings
from app.transport.accept_queue import AcceptQueue
from app.transport.connections import ConnectionTable
from app.transport.file_limit import connections_within_file_limit
from app.transport.grpc import Server, create_grpc_server
from app.transport.known_heads import KnownHeads
from app.transport.read_scheduler import ReadScheduler
from app.transport.reload import ReadSettings, on_hangup, reload
from app.transport.shutdown import drain_on_sigterm

logger = logging.getLogger(__name__)

ROUTERS = (
    predict.router,
    v2.router,
    models.router,
    model_files.router,
    health.router,
    page.router,
    openapi.router,
    example_images.router,
    example_table.router,
)

GARBAGE_THRESHOLDS = (10_000, 20, 20)
"""Thresholds of the cyclic garbage collector; requests leave no cycles. Python's first one is 700."""
RETRY_SECONDS = 2.0
"""Interval of the scans until the first one has succeeded, where the settings turn polling off."""
TICK_SECONDS = 0.1
"""Interval of the upkeep of requests and metrics."""

DESCRIPTION = """Neural arithmetic that stays right beyond its training range: numbers in, numbers out; images in,
numbers or labels out. Every model's manifest gives its training range, its measured errors and, where it is known, the
formula that it computes."""

FASTAPI_OPTIONS: dict[str, Any] = {
    "title": "nalu-serve",
    "description": DESCRIPTION,
    "openapi_url": None,
    "docs_url": None,
    "redoc_url": None,
    "redirect_slashes": False,
}
"""For FastAPI, which serves no document and no page, which app.http.openapi serves, and redirects nowhere."""


def create_app(
    settings: Settings | None = None, *, read: ReadSettings | None = None, wait_for_repository: bool = False
) -> FastAPI:
    """Build the application. Models are loaded when it starts, not here.

    Args:
        settings: None reads the environment.
        read: reads them again at SIGHUP; None leaves them as they are, unless they were read here.
        wait_for_repository: start without a readable repository, not ready until there is one.

    Raises:
        SettingsError: a setting is invalid, the repository is not a folder that can be read, or a package is missing.
        BackendError: the backend or device is missing.
    """
    if settings is None:
        settings, read = read_settings(environment := Environment()), read_settings
        log_variable_warnings(environment)
    # Pillow's warnings about clients' images would fill the log, and its memory of warnings shown once
    warnings.filterwarnings("ignore", module=r"PIL\.")
    service = create_service(settings, wait_for_repository=wait_for_repository)
    connections = ConnectionTable(settings, connections_within_file_limit(settings.max_connections), service.metrics)
    app = Application(
        version=version("nalu-serve"),
        servers=[{"url": settings.root_path or "."}],  # relative to the document, below whatever path a proxy has
        **FASTAPI_OPTIONS,
        lifespan=_lifespan(service, read or (lambda: service.settings)),
    )
    app.state.service = service
    app.openapi = openapi.openapi_builder(app, ROUTERS)  # type: ignore[method-assign]
    for router in ROUTERS:
        app.include_router(router)
    app.dispatcher = Dispatcher(super(Application, app).__call__, service, RouteTable(ROUTERS))
    app.grpc_server = create_grpc_server(app.dispatcher)
    app.read_scheduler = ReadScheduler(settings.max_queue_delay_seconds)
    app.connections = connections
    app.known_heads = KnownHeads()
    install_error_handlers(app, app.dispatcher.error_response)
    return app


def create_service(settings: Settings, *, wait_for_repository: bool = False) -> Service:
    """Build the parts of the application, see ``create_app``."""
    mirror = open_mirror(settings)
    if not wait_for_repository:
        check_repository(settings, mirror)
    cpus = max(1, cpu_budget() // settings.workers)
    concurrency = settings.max_concurrent_batches or cpus
    backend = create_backend(settings.backend, settings.device, settings.threads or max(1, cpus // concurrency))
    repository = Repository(
        mirror.folder if mirror else Path(settings.repository),
        backend,
        model_name=settings.model_name,
        settle_seconds=settings.repository_poll_seconds,
        mirror=mirror,
    )
    metrics = Metrics(lambda: version_statuses(repository), lambda: repository.outage is None)
    batching = BatchScheduler(settings, concurrency, metrics, thread_time if backend.device == "cpu" else perf_counter)
    return Service(settings, repository, batching, metrics, create_access(settings), create_tracer())


def create_access(settings: Settings) -> Access | None:
    """What authorizes requests by their API keys; None where none is required.

    Raises:
        SettingsError: the file of the keys cannot be read, or is invalid.
    """
    if settings.api_keys_file is None:
        return None
    limiter: Limiter = RateLimiter()
    shared_folder = os.environ.get(MULTIPROCESS_FOLDER)
    if shared_folder is not None and os.name == "posix":  # elsewhere each worker counts for itself
        from app.auth.shared_rate_limiter import SharedRateLimiter

        limiter = SharedRateLimiter(Path(shared_folder))
    return Access(APIKeys(settings.api_keys_file), settings.rate_limit, limiter)


def version_statuses(repository: Repository) -> list[VersionStatus]:
    """The state of every version folder, as /metrics shows it."""
    return [VersionStatus(*key, entry.state, served=entry.model is not None) for key, entry in repository.entries()]


class Application(FastAPI):
    """FastAPI behind the dispatcher."""

    dispatcher: Dispatcher
    read_scheduler: ReadScheduler
    connections: ConnectionTable
    known_heads: KnownHeads
    grpc_server: Server | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a request, or run the lifespan."""
        if scope["type"] == "http":
            await self.dispatcher(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _lifespan(service: Service, read: ReadSettings) -> Callable[[Application], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Application) -> AsyncIterator[None]:
        limit_arenas()
        grpc = app.grpc_server
        tasks = [asyncio.create_task(work) for work in _upkeep(app)]
        with (
            drain_on_sigterm(service, grpc.drain if grpc is not None else None),
            on_hangup(partial(reload, service, read)),
        ):
            while service.is_replacement and not (service.ready or service.draining):  # noqa: ASYNC110 - in other threads
                await asyncio.sleep(TICK_SECONDS)
            if grpc is not None:
                await grpc.start()
            yield
            if grpc is not None:
                await grpc.stop()
        if service.repository.mirror is not None:
            service.repository.mirror.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if service.tracer is not None:
            await asyncio.to_thread(service.tracer.close)

    return lifespan


def _upkeep(app: Application) -> Iterable[Coroutine[Any, Any, None]]:
    """What goes on beside requests."""
    service: Service = app.state.service
    queue = AcceptQueue(service, app.connections, app.read_scheduler)
    trimming = trim_when_idle(lambda: not (service.requests_in_flight or app.read_scheduler.delay))
    return _watch(service), _tick(service), app.connections.watch(), queue.watch(), trimming


async def _tick(service: Service) -> None:
    """End requests past their deadline and update metrics, in short intervals."""
    while True:
        await asyncio.sleep(TICK_SECONDS)
        await service.expire_requests()
        service.metrics.queued_rows.set(service.batching.queue_limiter.rows)
        service.metrics.flush()
        service.metrics.prune_stale_series(perf_counter())


async def _watch(service: Service) -> None:
    """Scan the repository at once, and again every poll interval; without one, until a scan has succeeded."""
    frozen = False
    seconds = service.settings.repository_poll_seconds
    failure = ""
    while True:
        try:
            await asyncio.to_thread(service.repository.refresh)
            failure = ""
        except Exception as error:
            if failure != repr(error):  # not again in every scan
                logger.exception("Scanning the repository failed; the models loaded before are still served.")
            failure = repr(error)
        if not frozen:
            # objects made so far live on; collecting garbage among them costs a tenth of the CPU time
            gc.freeze()
            gc.set_threshold(*GARBAGE_THRESHOLDS)
            frozen = True
        if not seconds and service.repository.initial_scan_done and service.repository.outage is None:
            return
        await asyncio.sleep(seconds or RETRY_SECONDS)
