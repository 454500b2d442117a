"""The service as a deployment of Ray Serve: ``serve run --app-dir deploy/ray nalu_serve:app repository=/models``.

Every node needs ``pip install 'nalu-serve[ray]'`` and the variables of ray.env; this file is needed only where the
application is built. docs/deployment.md says what a request costs there, and when not to use it.
"""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from fastapi import FastAPI

from app.main import create_app
from app.observability.logs import configure_logging
from app.service import Service
from app.settings import Environment, Settings, SettingsError, log_variable_warnings, read_settings

if TYPE_CHECKING:
    from ray.serve import Application

LOADING_SECONDS = 0.05
"""Interval of the looks at a service that loads its models."""
DRAIN_SECONDS = 15
"""Time of a removed replica besides the deadline of its requests: RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S of
ray.env, and as much again for its proxies to learn of it and for its end."""

REPLACED = {
    "grpc_port": "several replicas share a machine, and its port; call the service over HTTP",
    "model_control": "a load request reaches only one of the replicas; rely on polling",
    "ssl_certfile": "Ray's proxies take the connections; put TLS before them",
    "uds": "Ray's proxies take the connections; give their port in http_options",
    "workers": "Ray starts the processes; set num_replicas",
}
"""Settings that a replica cannot have, with the reason and what to do."""


class NaluServe:
    """A replica, which is healthy while the service is ready.

    Args:
        settings: of the service.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __serve_build_asgi_app__(self) -> FastAPI:
        """The application, which Ray runs; its lifespan loads the models.

        Raises:
            SettingsError: its folder of models cannot be read.
        """
        configure_logging(self._settings.log_level, self._settings.log_format)
        application = create_app(on_processors(self._settings, assigned_processors()))
        self._service: Service = application.state.service
        return application

    async def check_health(self) -> None:
        """Return once all models are loaded; Ray asks before the first request, and again and again.

        Raises:
            RuntimeError: none of them can be served.
        """
        while not self._service.repository.initial_scan_done:  # noqa: ASYNC110 - in another thread
            await asyncio.sleep(LOADING_SECONDS)
        if not self._service.ready:
            raise RuntimeError(f"{self._service.repository.address} has no model that can be served; add one.")


def on_processors(settings: Settings, processors: int) -> Settings:
    """Settings whose batches and threads fit the processors of one replica, where they are not given.

    The service would count all processors of a machine, which it shares with other replicas.
    """
    batches = settings.max_concurrent_batches or processors
    threads = settings.threads or max(1, processors // batches)
    return settings.model_copy(update={"max_concurrent_batches": batches, "threads": threads})


def assigned_processors() -> int:
    """Processors that Ray has assigned to this replica, at least one."""
    import ray

    return max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1)))


def replica_settings(arguments: Mapping[str, object], environment: Environment | None = None) -> Settings:
    """The settings of all replicas: arguments, and ``NALU_`` variables where the application is built.

    Raises:
        SettingsError: one is invalid, or Ray takes its place.
    """
    for name in arguments:
        if name not in Settings.model_fields:
            raise SettingsError(f"'{name}' is no setting; docs/serving.md lists them: in lower case, without NALU_.")
    settings = read_settings(environment, **arguments)
    for name, reason in REPLACED.items():
        value = getattr(settings, name)
        if value != Settings.model_fields[name].default:
            raise SettingsError(f"NALU_{name.upper()} is {value}, but {reason}.")
    if isinstance(settings.repository, Path) and not settings.repository.is_absolute():
        raise SettingsError(
            f"NALU_REPOSITORY is '{settings.repository}', but nodes share no working directory; give an absolute path, "
            "or the address of an object store."
        )
    return settings


def deployment_options(settings: Settings) -> dict[str, Any]:
    """Options of the deployment, which ``deployments`` in serve.yaml overrides.

    The service bounds its queue in time and answers 503 itself, so Ray queues none of what a process may take.
    """
    return {
        "num_replicas": 2,
        "ray_actor_options": {"num_cpus": 1},
        "max_ongoing_requests": settings.max_connections,
        "max_queued_requests": settings.max_connections,
        "backpressure_config": {"retry_after_s": 1},
        "health_check_period_s": 2,
        "health_check_timeout_s": 10,
        "graceful_shutdown_wait_loop_s": 0.5,
        "graceful_shutdown_timeout_s": settings.request_timeout_seconds + DRAIN_SECONDS,
        "max_constructor_retry_count": 3,
        "max_surge_percent": 100,
        "logging_config": {"enable_access_log": False},  # NALU_ACCESS_LOG turns on the service's own
    }


def app(arguments: dict[str, Any]) -> "Application":
    """Build the application, with settings as arguments.

    Raises:
        click.UsageError: see ``replica_settings``; ``serve`` prints it and ends with status 2.
    """
    from ray import cloudpickle, serve

    try:
        environment = Environment()
        settings = replica_settings(arguments, environment)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    log_variable_warnings(environment)
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    deployment = serve.deployment(serve.ingress()(NaluServe), name="nalu", **deployment_options(settings))
    return deployment.bind(settings)
