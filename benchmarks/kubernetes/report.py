"""The page: what was run, what was checked against schemas only, and what was neither."""

from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.kubernetes.environment import TOOLS
from benchmarks.kubernetes.play import Seen
from benchmarks.kubernetes.schemas import Check

Plays = Sequence[tuple[str, Sequence[Seen]]]

NOT_RUN = """## Not run

No cluster has run these files. Checked against schemas only: roll-outs, the HorizontalPodAutoscaler and its metrics,
KEDA, the PodDisruptionBudget, the PodMonitor, the NetworkPolicy, the Ingress, spreading over nodes, GPUs, claims of
volumes, `fsGroup`, Secrets of keys and object stores, gRPC, KServe's controllers and its storage initializer. The paths
of the probes were asked from outside; podman did not run them.

The schemas of PodMonitor and ScaledObject come from models that are generated from their CRDs. Those of KServe's kinds
come from its own Python models: their fields, types and required fields, with Kubernetes' schemas for Kubernetes'
types, but without the patterns and limits of its CRDs.
"""


def passed(checks: Sequence[Check], plays: Plays) -> bool:
    """Whether everything is as it should be."""
    return all(map(_is_right, checks)) and all(seen.kept for _, found in plays for seen in found)


def page(checks: Sequence[Check], plays: Plays, podman: str) -> str:
    """The page.

    Args:
        checks: of documents.
        plays: of containers.
        podman: its version.
    """
    parts = [_introduction(podman), *_schemas(checks)]
    for title, found in plays:
        parts += [f"## {title}", "", "| It | Seen | |", "| --- | --- | --- |"]
        parts += [f"| {seen.promise} | {seen.seen} | {'yes' if seen.kept else '**no**'} |" for seen in found]
        parts.append("")
    return "\n".join([*parts, NOT_RUN])


def _introduction(podman: str) -> str:
    packages = ", ".join(name.replace("==", " ") for name in (*TOOLS.requirements, *TOOLS.alone))
    return (
        "# Kubernetes and KServe\n\n"
        "`python -m benchmarks.kubernetes --write` measures this: it lints and renders the Helm chart with every set "
        "of values in `deploy/helm/ci`, checks every document against the schemas of its kind, with no unknown field "
        "allowed, and plays two of them as containers. To show that the schemas are strict, a misspelt field is put "
        "into each object of a document of each kind, but for the amounts of resources. It installs "
        f"{packages} into an environment of its own, and needs podman, here {podman}. On "
        f"{datetime.now(UTC):%Y-%m-%d}.\n"
    )


def _schemas(checks: Sequence[Check]) -> list[str]:
    """A row for each kind; below, what is wrong."""
    lines = [
        "## Schemas",
        "",
        "| Kind | Documents | Schemas | Valid | Misspelt fields refused |",
        "| --- |" + " --- |" * 4,
    ]
    for kind in sorted({check.kind for check in checks}):
        found = [check for check in checks if check.kind == kind]
        valid, refused = ([_is_right(check) for check in found if check.misspelt == wrong] for wrong in (False, True))
        schemas = list(dict.fromkeys(check.schema for check in found))
        count = len(valid) // len(schemas)
        cells = [kind, count, ", ".join(schemas), "yes" if all(valid) else "**no**"]
        lines.append(f"| {' | '.join(map(str, cells))} | {sum(refused)} of {len(refused)} |")
    wrong = [
        f"- {check.file}, {check.kind}, {check.schema}: {check.problem}" for check in checks if not _is_right(check)
    ]
    return [*lines, "", *wrong, *([""] if wrong else [])]


def _is_right(check: Check) -> bool:
    return (check.problem is not None) == check.misspelt
