"""Checks documents from standard input, one a line, and prints for each what is wrong by each schema."""

import json
import sys
from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import Any

import kubernetes_validate
from jsonschema.validators import Draft202012Validator

from benchmarks.kubernetes.programs.kserve_schema import kserve_schema

VERSIONS = ("1.34", "1.35", "1.36", "1.37")
"""Of Kubernetes."""
CRDS = {
    "PodMonitor": ("cloudcoil.models.prometheus_operator", "v1", "prometheus-operator"),
    "ScaledObject": ("cloudcoil.models.keda", "v1alpha1", "KEDA"),
}
"""Package and module of the model, and the project whose CRD it is generated from."""
KSERVE = {"ClusterServingRuntime": "V1alpha1ClusterServingRuntime", "InferenceService": "V1beta1InferenceService"}
"""KServe's own model of each kind."""


def main() -> None:
    """Read, check, print."""
    for line in sys.stdin:
        print(json.dumps(problems(json.loads(line))))


def problems(document: dict[str, Any]) -> dict[str, str | None]:
    """What is wrong with a document, by schema; None: nothing."""
    kind = document["kind"]
    if kind in CRDS or kind in KSERVE:
        name, schema = custom_schema(kind)
        return {name: _sentence(next(Draft202012Validator(schema).iter_errors(document), None))}
    return {f"Kubernetes {number}": _core_problem(document, number) for number in VERSIONS}


@cache
def custom_schema(kind: str) -> tuple[str, dict[str, Any]]:
    """Project and version of a kind that Kubernetes does not have itself, and its schema without unknown fields."""
    if kind in KSERVE:
        return f"KServe {version('kserve')}", kserve_schema(KSERVE[kind], VERSIONS[-1])
    package, module, project = CRDS[kind]
    model = getattr(import_module(f"{package}.{module}"), kind)
    return f"{project} {version(package).rpartition('.')[0]}", _strict(model.model_json_schema())


def _core_problem(document: dict[str, Any], number: str) -> str | None:
    try:
        kubernetes_validate.validate(document, number, strict=True)
    except kubernetes_validate.ValidationError as error:
        return _sentence(error)
    return None


def _strict(schema: Any) -> Any:
    """A schema that refuses fields that it does not list."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {}
    return closed | {name: _strict(part) for name, part in schema.items()}


def _sentence(error: Any) -> str | None:
    return None if error is None else f"{error.json_path}: {error.message[:300]}"


if __name__ == "__main__":
    main()
