"""The Helm chart and KServe's manifests fit the settings, the endpoints and the image.

Templates are read without Helm: their expressions are left out, so that all branches stand in one document. What Helm
makes of them is tested where it is installed, and by ``python -m benchmarks.kubernetes``.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.main import create_app
from app.settings import Settings
from benchmarks.kubernetes.environment import default_home, helm_in
from tests.app.observability.exported import exported_metrics

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "nalu-serve"
VALUE_SETS = sorted((ROOT / "deploy" / "helm" / "ci").glob("*.yaml"))
KSERVE = sorted((ROOT / "deploy" / "kserve").glob("*.yaml"))
RUNTIMES = [yaml.safe_load(path.read_text()) for path in KSERVE if path.stem.startswith("runtime")]
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["cpu"]
DRAIN_SECONDS = 5
"""Least time beyond grace and timeout until a pod may be killed."""

INSTALLED = helm_in(default_home())
HELM = str(INSTALLED) if INSTALLED.exists() else shutil.which("helm")
needs_helm = pytest.mark.skipif(HELM is None, reason="helm is not installed; python -m benchmarks.kubernetes brings it")


def template(name: str) -> dict[str, Any]:
    """A template without its expressions."""
    text = re.sub(r"(?m)^\s*\{\{-.*\}\}$\n?", "", (CHART / "templates" / name).read_text())
    found: dict[str, Any] = yaml.safe_load(re.sub(r"\{\{.*?\}\}", "expression", text))
    return found


POD: dict[str, Any] = template("deployment.yaml")["spec"]["template"]["spec"]
CONTAINER: dict[str, Any] = POD["containers"][0]
CONTAINERS = {"chart": CONTAINER} | {
    runtime["metadata"]["name"]: runtime["spec"]["containers"][0] for runtime in RUNTIMES
}


def environment(container: Mapping[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container["env"]}


def keys(values: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for name, value in values.items():
        yield f"{before}{name}"
        if isinstance(value, dict):
            yield from keys(value, f"{before}{name}.")


def schema_keys(schema: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for name, value in schema.get("properties", {}).items():
        yield f"{before}{name}"
        yield from schema_keys(value, f"{before}{name}.")


def test_the_schema_has_every_key_of_the_values_and_no_other() -> None:
    free = ("resources.requests.", "resources.limits.")  # of Kubernetes
    known = {key for key in keys(VALUES) if not key.startswith(free)}
    assert {"global", "podMonitor.keySecret.name", "podMonitor.keySecret.key"} | known == set(schema_keys(SCHEMA))


@pytest.mark.parametrize(
    "path",
    [*sorted((CHART / "templates").iterdir()), CHART / "values.yaml", *VALUE_SETS, *KSERVE],
    ids=lambda path: path.name,
)
def test_variables_are_settings_of_the_service(path: Path) -> None:
    text = path.read_text()
    named = set(re.findall(r"\bNALU_[A-Z_]+", text)) - {"NALU_NAME"}
    assert named <= {f"NALU_{name.upper()}" for name in Settings.model_fields}


def test_the_chart_refuses_the_settings_that_it_sets_itself() -> None:
    own = set(re.findall(r'"(NALU_\w+)"', (CHART / "templates" / "checks.yaml").read_text()))
    assert environment(CONTAINER).keys() - {"expression"} == {
        name for name in own if not name.startswith("NALU_SSL_")
    } - {"NALU_UDS"}


def test_the_chart_refuses_the_settings_of_tls_as_its_probes_speak_plain_http() -> None:
    own = set(re.findall(r'"(NALU_SSL_\w+)"', (CHART / "templates" / "checks.yaml").read_text()))
    assert own == {f"NALU_{name.upper()}" for name in Settings.model_fields if name.startswith("ssl_")}
    probes = [probe["httpGet"] for kind, probe in CONTAINER.items() if kind.endswith("Probe")]
    assert [probe.get("scheme", "HTTP") for probe in probes] == ["HTTP"] * 3


@cache
def paths() -> set[str]:
    return set(create_app(Settings(repository=ROOT / "repository")).openapi()["paths"])


@pytest.mark.parametrize("name", CONTAINERS)
def test_probes_ask_paths_of_the_service_on_the_port_that_it_listens_on(name: str) -> None:
    container = CONTAINERS[name]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    probes = {kind: probe["httpGet"] for kind, probe in container.items() if kind.endswith("Probe")}
    assert {probe["path"] for probe in probes.values()} <= paths()
    assert probes["livenessProbe"]["path"] == "/health/live"
    assert probes["readinessProbe"]["path"] == "/health/ready"
    assert {str(ports.get(probe["port"], probe["port"])) for probe in probes.values()} == {
        environment(container)["NALU_PORT"]
    }


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_grace_is_longer_than_readiness_takes_to_turn_off(name: str) -> None:
    probe = CONTAINERS[name]["readinessProbe"]
    grace = float(environment(CONTAINERS[name])["NALU_SHUTDOWN_GRACE_SECONDS"].replace("expression", "10"))
    assert VALUES["shutdown"]["graceSeconds"] == 10
    assert probe["periodSeconds"] * probe["failureThreshold"] + probe["timeoutSeconds"] < grace


def test_pods_are_killed_after_the_service_has_drained() -> None:
    text = (CHART / "templates" / "deployment.yaml").read_text()
    rest = re.search(
        r"Seconds: \{\{ add \.Values\.shutdown\.graceSeconds \.Values\.shutdown\.timeoutSeconds (\d+)", text
    )
    assert rest is not None
    assert int(rest[1]) >= DRAIN_SECONDS
    assert VALUES["shutdown"]["timeoutSeconds"] == Settings().shutdown_timeout_seconds
    [service] = [yaml.safe_load(path.read_text()) for path in KSERVE if path.stem == "inferenceservice"]
    for runtime in RUNTIMES:
        grace = float(environment(runtime["spec"]["containers"][0])["NALU_SHUTDOWN_GRACE_SECONDS"])
        needed = grace + Settings().shutdown_timeout_seconds + DRAIN_SECONDS
        assert service["spec"]["predictor"]["terminationGracePeriodSeconds"] >= needed


@pytest.mark.parametrize("name", CONTAINERS)
def test_pods_are_as_restricted_as_the_containers_of_compose(name: str) -> None:
    container = CONTAINERS[name]
    security = (POD["securityContext"] if container is CONTAINER else {}) | container["securityContext"]
    assert security["readOnlyRootFilesystem"] is COMPOSE["read_only"] is True
    assert security["capabilities"] == {"drop": COMPOSE["cap_drop"]} == {"drop": ["ALL"]}
    assert COMPOSE["security_opt"] == ["no-new-privileges:true"]
    assert security["allowPrivilegeEscalation"] is False
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security["runAsNonRoot"] is True
    assert f"USER {security['runAsUser']}:" in (ROOT / "Dockerfile").read_text()
    assert [mount["mountPath"] for mount in container["volumeMounts"]][: len(COMPOSE["tmpfs"])] == COMPOSE["tmpfs"]


def test_no_token_of_the_cluster_and_no_link_to_its_services_is_in_the_pod() -> None:
    assert POD["automountServiceAccountToken"] is False
    assert POD["enableServiceLinks"] is False
    assert template("serviceaccount.yaml")["automountServiceAccountToken"] is False


def test_limits_are_those_of_compose() -> None:
    assert VALUES["resources"]["limits"]["memory"].lower().removesuffix("i") == COMPOSE["mem_limit"]
    assert f"{VALUES['image']['repository']}:cpu" == COMPOSE["image"]


def test_autoscaling_asks_for_metrics_that_the_service_exports() -> None:
    queries = (CHART / "templates" / "_helpers.tpl").read_text()
    assert set(re.findall(r"\((nalu_\w+)\{", queries)) == {"nalu_requests_total", "nalu_queued_rows"}
    assert {"nalu_requests_total", "nalu_queued_rows"} <= exported_metrics().keys()


def test_kserve_mounts_one_model_and_gives_it_the_name_of_its_inference_service() -> None:
    for runtime in RUNTIMES:
        variables = environment(runtime["spec"]["containers"][0])
        assert (variables["NALU_REPOSITORY"], variables["NALU_MODEL_NAME"]) == ("/mnt/models", "{{.Name}}")
    protocols = {protocol: runtime for runtime in RUNTIMES for protocol in runtime["spec"]["protocolVersions"]}
    assert protocols.keys() == {"v2", "grpc-v2"}
    ports = [str(port["containerPort"]) for port in protocols["grpc-v2"]["spec"]["containers"][0]["ports"]]
    assert ports[0] == environment(protocols["grpc-v2"]["spec"]["containers"][0])["NALU_GRPC_PORT"]


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(HELM), *arguments], capture_output=True, text=True, timeout=60)


@needs_helm
@pytest.mark.slow
@pytest.mark.parametrize("path", VALUE_SETS, ids=lambda path: path.stem)
def test_helm_renders_every_set_of_values(path: Path) -> None:
    rendered = helm("template", "demo", str(CHART), "--values", str(path))
    documents = {document["kind"]: document for document in yaml.safe_load_all(rendered.stdout) if document}
    spec = documents["Deployment"]["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] == 40
    variables = environment(spec["containers"][0])
    values = yaml.safe_load(path.read_text())
    assert (
        variables.items()
        >= {name: json.dumps(value).strip('"') for name, value in values.get("settings", {}).items()}.items()
    )


MISTAKES = {
    "settings.NALU_PORT=1": "settings has NALU_PORT, which the chart sets from other values, so that ports, probes "
    "and times fit; remove it.",
    "settings.NALU_SSL_CERTFILE=/tls/tls.crt": "settings has NALU_SSL_CERTFILE, but the chart mounts no certificate, "
    "and probes, metrics and ingress reach the pods by plain HTTP; remove it, and end TLS at the ingress, by "
    "ingress.tlsSecret.",
    "models.repository=s3://b/p,models.volume.emptyDir.sizeLimit=1Gi": "models.repository is 's3://b/p', an object "
    "store, and models.volume is set too; leave out one of them.",
    "models.credentialsSecret=store": "models.credentialsSecret is 'store', but models.repository, '/repository', is "
    "no object store; give its address, as s3://bucket/prefix.",
    "autoscaling.minReplicas=11": "autoscaling.minReplicas is 11, more than maxReplicas, 10; give at most that.",
    "autoscaling.engine=keda,autoscaling.queuedRows=5": "autoscaling.prometheusAddress is empty, and KEDA asks "
    "Prometheus for rejections and queued rows; give its address, as http://prometheus.monitoring:9090.",
    "replica=3": "additional properties 'replica' not allowed",
    "grpc.port=8000": "at '/grpc/port': 'not' failed",
}


@needs_helm
@pytest.mark.slow
@pytest.mark.parametrize(("values", "sentence"), MISTAKES.items())
def test_helm_refuses_values_that_are_wrong(values: str, sentence: str) -> None:
    done = helm("template", "demo", str(CHART), "--set", values)
    assert done.returncode != 0
    assert sentence in done.stderr
