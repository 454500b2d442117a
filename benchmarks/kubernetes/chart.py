"""The documents: what Helm makes of the chart, and KServe's manifests."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

CHART = Path("deploy/helm/nalu-serve")
VALUE_SETS = Path("deploy/helm/ci")
KSERVE = Path("deploy/kserve")
MODEL = Path("repository/multiply")
Documents = dict[str, list[dict[str, Any]]]
"""By the file of values, or the manifest, that they are from."""


def render(helm: Path) -> Documents:
    """What the chart makes of every set of values, after ``helm lint --strict``.

    Raises:
        SystemExit: Helm does not take the chart or a set of values.
    """
    rendered = {}
    for values in sorted(VALUE_SETS.glob("*.yaml")):
        _run(helm, "lint", "--strict", str(CHART), "--values", str(values))
        text = _run(helm, "template", "demo", str(CHART), "--values", str(values))
        rendered[str(values)] = [document for document in yaml.safe_load_all(text) if document]
    return rendered


def manifests() -> Documents:
    """KServe's manifests."""
    paths = sorted(KSERVE.glob("*.yaml"))
    return {str(path): list(yaml.safe_load_all(path.read_text(encoding="utf-8"))) for path in paths}


def played_deployment(helm: Path, image: str, port: int) -> dict[str, Any]:
    """The chart's Deployment, changed as little as podman asks for: one pod, on a port of the machine."""
    repository, _, tag = image.rpartition(":")
    values = f"replicas=1,image.repository={repository},image.tag={tag}"
    text = _run(helm, "template", "played", str(CHART), "--set", values, "--show-only", "templates/deployment.yaml")
    deployment: dict[str, Any] = yaml.safe_load(text)
    _publish(deployment["spec"]["template"]["spec"]["containers"][0], port)
    return deployment


def kserve_pod(image: str, port: int) -> dict[str, Any]:
    """The container of KServe's runtime as a Pod, with a model mounted as KServe's storage initializer copies it."""
    runtime = yaml.safe_load((KSERVE / "runtime.yaml").read_text(encoding="utf-8").replace("{{.Name}}", "price"))
    [container] = runtime["spec"]["containers"]
    container["image"] = image
    container["volumeMounts"].append({"name": "model", "mountPath": "/mnt/models", "readOnly": True})
    _publish(container, port)
    model = {"name": "model", "hostPath": {"path": str(MODEL.resolve()), "type": "Directory"}}
    spec = {"containers": [container], "volumes": [*runtime["spec"]["volumes"], model]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "played-kserve"}, "spec": spec}


def _publish(container: dict[str, Any], port: int) -> None:
    container["ports"][0]["hostPort"] = port
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):  # podman would ask with curl, in the container
        container.pop(probe, None)


def _run(*command: str | Path) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command[1:]))} fails:\n{done.stdout}{done.stderr}")
    return done.stdout
