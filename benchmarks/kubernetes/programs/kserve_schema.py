"""A JSON schema of a KServe kind, from the models in KServe's package: its fields, types and required fields.

The models are read, not imported, as importing them needs all that KServe depends on. Fields of Kubernetes' own types
have Kubernetes' schemas.
"""

import ast
import json
import re
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from typing import Any

BASIC = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "datetime": "string"}


def kserve_schema(kind: str, kubernetes: str) -> dict[str, Any]:
    """The schema of a kind, which allows no unknown field.

    Args:
        kind: the model's class.
        kubernetes: version of Kubernetes' types.
    """
    folder = Path(str(distribution("kserve").locate_file("kserve"))) / "models"
    models = {name: fields for file in folder.glob("*.py") for name, fields in _models(file.read_text("utf-8"))}
    core = files("kubernetes_validate") / f"kubernetes-json-schema/v{kubernetes}.0-local-strict/_definitions.json"
    core_definitions = json.loads(core.read_text("utf-8"))["$defs"]
    in_order = sorted(core_definitions, key=lambda name: ".core.v1." in name)  # of equal names, core's is meant
    names = {name.rpartition(".v1.")[2]: name for name in in_order if ".v1." in name}
    own = {name: _object(*fields, models.keys(), names) for name, fields in models.items()}
    return {"$ref": f"#/$defs/{kind}", "$defs": core_definitions | own}


def _models(code: str) -> list[tuple[str, tuple[dict[str, str], dict[str, str], set[str]]]]:
    """Name, types, names in JSON and required fields of the classes in a module."""
    found = []
    for node in ast.parse(code).body:
        if isinstance(node, ast.ClassDef):
            tables = {
                part.targets[0].id: ast.literal_eval(part.value)
                for part in node.body
                if isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name)
            }
            required = set(re.findall(r"client_side_validation and (\w+) is None", code))
            if "openapi_types" in tables:
                found.append((node.name, (tables["openapi_types"], tables["attribute_map"], required)))
    return found


def _object(types: dict[str, str], names: dict[str, str], required: set[str], own: Any, core: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {names[field]: _schema(kind, own, core) for field, kind in types.items()},
        "required": [names[field] for field in sorted(required & names.keys())],
    }


def _schema(kind: str, own: Any, core: Any) -> dict[str, Any]:
    """The schema of a type; anything is valid for a type that neither KServe nor Kubernetes v1 has."""
    if match := re.fullmatch(r"list\[(.*)\]", kind):
        return {"type": "array", "items": _schema(match[1], own, core)}
    if match := re.fullmatch(r"dict\(str, (.*)\)", kind):
        return {"type": "object", "additionalProperties": _schema(match[1], own, core)}
    if kind in own:
        return {"$ref": f"#/$defs/{kind}"}
    if kind.startswith("V1") and kind[2:] in core:
        return {"$ref": f"#/$defs/{core[kind[2:]]}"}
    return {"type": BASIC[kind]} if kind in BASIC else {}
