"""The deployment for Ray Serve: its settings, its health and its numbers, without Ray; what needs Ray skips."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
import yaml

from app.settings import Environment, Settings, SettingsError
from tests.app.factory import TestClient, write_sum

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "ray"
VARIABLES = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', (FOLDER / "ray.env").read_text(encoding="utf-8"), re.MULTILINE))
CONFIGURATION = yaml.safe_load((FOLDER / "serve.yaml").read_text(encoding="utf-8"))
[APPLICATION] = CONFIGURATION["applications"]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("nalu_serve", FOLDER / "nalu_serve.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


NALU_SERVE = _load()


@pytest.fixture(autouse=True)
def _without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NALU_SERVE, "assigned_processors", lambda: 1)
    monkeypatch.setattr(NALU_SERVE, "configure_logging", lambda *_: None)  # the log is that of all tests


@contextmanager
def running(replica: Any) -> Iterator[TestClient]:
    """A replica as Ray runs it, but for Ray."""
    with TestClient(replica.__serve_build_asgi_app__()) as client:
        yield client


def check_health(replica: Any, client: TestClient) -> None:
    assert client.portal is not None
    client.portal.call(replica.check_health)


def settings(**arguments: object) -> Settings:
    found: Settings = NALU_SERVE.replica_settings({"repository": "/models", **arguments}, Environment())
    return found


def test_a_replica_is_healthy_when_its_models_are_loaded_and_answers_then(tmp_path: Path) -> None:
    write_sum(tmp_path)
    replica = NALU_SERVE.NaluServe(settings(repository=str(tmp_path)))
    with running(replica) as client:
        check_health(replica, client)
        found = client.post("/predict/arithmetic", json={"model": "sum", "inputs": [[3, 4]]})
        assert found.json()["predictions"] == [[7.0]]


def test_a_replica_without_models_is_not_healthy_and_names_its_folder(tmp_path: Path) -> None:
    replica = NALU_SERVE.NaluServe(settings(repository=str(tmp_path)))
    message = f"^{tmp_path} has no model that can be served; add one.$"
    with running(replica) as client, pytest.raises(RuntimeError, match=message):
        check_health(replica, client)


def test_a_replica_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    replica = NALU_SERVE.NaluServe(settings(repository=str(tmp_path / "away")))
    with pytest.raises(SettingsError, match=f"^NALU_REPOSITORY is '{tmp_path}/away', which is not a folder; give the"):
        replica.__serve_build_asgi_app__()


def test_batches_and_threads_fit_the_processors_of_a_replica_where_they_are_not_given() -> None:
    for processors, given, batches, threads in [(1, {}, 1, 1), (4, {}, 4, 1), (4, {"max_concurrent_batches": 2}, 2, 2)]:
        found = NALU_SERVE.on_processors(Settings(**given), processors)
        assert (found.max_concurrent_batches, found.threads) == (batches, threads)
    assert NALU_SERVE.on_processors(Settings(threads=3), 1).threads == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": 2}, "NALU_WORKERS is 2, but Ray starts the processes; set num_replicas."),
        ({"grpc_port": 8001}, "NALU_GRPC_PORT is 8001, but several replicas share a machine"),
        ({"uds": "/run/nalu.sock"}, "NALU_UDS is /run/nalu.sock, but Ray's proxies take the connections; give"),
        ({"ssl_certfile": "a.pem"}, "NALU_SSL_CERTFILE is a.pem, but Ray's proxies take the connections; put TLS"),
        ({"model_control": "explicit"}, "NALU_MODEL_CONTROL is explicit, but a load request reaches only one"),
        ({"repository": "models"}, "NALU_REPOSITORY is 'models', but nodes share no working directory; give an abs"),
        ({"max_row": 5}, "'max_row' is no setting; docs/serving.md lists them: in lower case, without NALU_."),
        ({"max_rows": 0}, "NALU_MAX_ROWS is '?0'?"),
    ],
)
def test_what_a_replica_cannot_have_is_refused_where_the_application_is_built(
    arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingsError, match=f"^{message}"):
        settings(**arguments)


def test_arguments_win_over_the_environment_of_the_process_that_builds_the_application(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NALU_MAX_ROWS", "7")
    monkeypatch.setenv("NALU_MAX_FILES", "3")
    found = settings(max_rows="9")
    assert (found.max_rows, found.max_files) == (9, 3)


def test_an_address_of_a_store_is_a_repository_for_all_nodes() -> None:
    assert settings(repository="s3://bucket/models").repository == "s3://bucket/models"


def test_ray_queues_nothing_that_the_service_would_take_and_ends_no_request_before_its_deadline() -> None:
    found = settings(**APPLICATION["args"])
    options = NALU_SERVE.deployment_options(found)
    assert options["max_ongoing_requests"] == found.max_connections >= 256
    draining = float(VARIABLES["RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S"])
    ray_adds = 5  # RAY_SERVE_DIRECT_INGRESS_SHUTDOWN_BUFFER_S
    assert options["graceful_shutdown_timeout_s"] >= draining + ray_adds + found.request_timeout_seconds


def test_a_request_past_its_deadline_gets_its_answer_before_haproxy_sends_it_again() -> None:
    assert APPLICATION["args"]["request_timeout_seconds"] < int(VARIABLES["RAY_SERVE_HAPROXY_TIMEOUT_SERVER_S"])


def test_haproxy_sends_again_what_no_replica_answered_and_never_a_refusal() -> None:
    assert VARIABLES["RAY_SERVE_ENABLE_HA_PROXY"] == "1"
    assert VARIABLES["RAY_SERVE_HAPROXY_RETRY_ON"].split() == ["conn-failure", "empty-response", "response-timeout"]


def test_the_configuration_names_the_file_and_the_deployment_that_are_there() -> None:
    module, _, function = APPLICATION["import_path"].partition(":")
    assert (FOLDER / f"{module}.py").exists()
    assert callable(getattr(NALU_SERVE, function))
    assert [each["name"] for each in APPLICATION["deployments"]] == ["nalu"]
    assert set(APPLICATION["args"]) <= set(Settings.model_fields)


def test_ray_knows_every_option_and_variable() -> None:
    pytest.importorskip("ray.serve", reason="Ray is not installed; pip install -e '.[ray]'")
    from ray.serve._private import constants
    from ray.serve.schema import ServeDeploySchema

    ServeDeploySchema.model_validate(CONFIGURATION)
    assert [name for name in VARIABLES if not hasattr(constants, name)] == []
    built = NALU_SERVE.app({"repository": "/models"})
    options = NALU_SERVE.deployment_options(settings())
    assert built._bound_deployment.num_replicas == options["num_replicas"]


def test_an_invalid_setting_ends_the_command_with_one_sentence() -> None:
    pytest.importorskip("ray.serve", reason="Ray is not installed; pip install -e '.[ray]'")
    with pytest.raises(
        click.UsageError, match=r"^NALU_WORKERS is 2, but Ray starts the processes; set num_replicas\.$"
    ):
        NALU_SERVE.app({"repository": "/models", "workers": 2})
