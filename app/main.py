"""create_app: the only place where the parts of the service are put together."""

import asyncio
import logging
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from importlib.metadata import version

from fastapi import FastAPI

from app import docs
from app.backends import create_backend
from app.cpu import cpu_budget
from app.draining import drain_on_sigterm
from app.errors import install_error_handlers
from app.execution import Executor
from app.middleware import RequestMiddleware
from app.repository import Repository
from app.routes import health, models, predict
from app.service import Service
from app.settings import Settings, SettingsError, read_settings, unknown_variables

logger = logging.getLogger(__name__)

DESCRIPTION = """Neural arithmetic that stays right beyond its training range: numbers in, numbers out; pictures in,
numbers or labels out. Every model says the range it was trained on, the errors that were measured, and, where it is
known, the formula that it computes."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the service. Models are loaded when it starts, not here.

    Args:
        settings: None reads the environment.

    Raises:
        SettingsError: a setting does not fit, or the repository is no folder.
        BackendError: the backend or device is not there.
    """
    settings = settings or read_settings()
    # what Pillow has to say of clients' pictures would fill the log, and the memory of what was said already
    warnings.filterwarnings("ignore", module=r"PIL\.")
    for name in unknown_variables():
        logger.warning("%s is no setting of the service and is ignored; the README lists them all.", name)
    if not settings.repository.is_dir():
        raise SettingsError(
            f"NALU_REPOSITORY is '{settings.repository}', which is not a folder; give the folder of the models."
        )
    share = max(1, cpu_budget() // settings.workers)
    concurrency = settings.max_concurrent_predictions or share
    backend = create_backend(settings.backend, settings.device, settings.threads or max(1, share // concurrency))
    executor = Executor(concurrency, settings.max_queued_predictions)
    service = Service(settings, Repository(settings.repository, backend), executor)

    app = FastAPI(
        title="nalu-serve",
        version=version("nalu-serve"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(service),
    )
    app.state.service = service
    app.openapi = docs.describe(app)  # type: ignore[method-assign]
    for router in (predict.router, models.router, health.router, docs.router):
        app.include_router(router)
    install_error_handlers(app)
    app.add_middleware(RequestMiddleware, service=service)
    return app


def _lifespan(service: Service) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watcher = asyncio.create_task(_watch(service))
        with drain_on_sigterm(service):
            yield
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher

    return lifespan


async def _watch(service: Service) -> None:
    """Go through the repository at once, and again every poll interval."""
    seconds = service.settings.repository_poll_seconds
    while True:
        try:
            await asyncio.to_thread(service.repository.refresh)
        except Exception:
            logger.exception("Going through the repository failed; what was loaded before is still served.")
        if not seconds:
            return
        await asyncio.sleep(seconds)
