"""The report on Kubernetes' manifests fails where anything is not as it should be."""

import pytest

from benchmarks.kubernetes.play import Seen
from benchmarks.kubernetes.report import page, passed
from benchmarks.kubernetes.schemas import Check, _cases

VALID = Check("a.yaml", "Service", "Kubernetes 1.37", None, misspelt=False)
REFUSED = Check("a.yaml", "Service", "Kubernetes 1.37", "$.spec: 'replcas' was unexpected", misspelt=True)
READY = Seen("is ready", "200", kept=True)
PLAYS = [("The Deployment", [READY])]


def test_a_run_passes_where_documents_are_valid_misspelt_fields_are_refused_and_promises_are_kept() -> None:
    assert passed([VALID, REFUSED], PLAYS)
    assert "| Service | 1 | Kubernetes 1.37 | yes | 1 of 1 |" in page([VALID, REFUSED], PLAYS, "podman")


@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        (VALID._replace(problem="$: no"), "- a.yaml, Service, Kubernetes 1.37: $: no"),
        (REFUSED._replace(problem=None), "| Service | 1 | Kubernetes 1.37 | yes | 1 of 2 |"),
    ],
)
def test_a_run_fails_with_an_invalid_document_or_a_schema_that_takes_a_misspelt_field(wrong: Check, shown: str) -> None:
    assert not passed([VALID, REFUSED, wrong], PLAYS)
    assert shown in page([VALID, REFUSED, wrong], PLAYS, "podman")


def test_a_run_fails_with_a_promise_that_is_not_kept() -> None:
    plays = [("The Deployment", [READY._replace(kept=False)])]
    assert not passed([VALID, REFUSED], plays)
    assert "| is ready | 200 | **no** |" in page([VALID], plays, "podman")


def test_a_field_is_misspelt_in_each_object_of_the_first_document_of_a_kind() -> None:
    pod = {"kind": "Pod", "spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": 1}}}]}}
    cases = [document for _, document, misspelt in _cases({"a": [pod, pod]}) if misspelt]
    assert pod == {"kind": "Pod", "spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": 1}}}]}}
    wrong = [
        pod | {"replcas": 3},
        pod | {"spec": pod["spec"] | {"replcas": 3}},
        pod | {"spec": {"containers": [pod["spec"]["containers"][0] | {"replcas": 3}]}},  # type: ignore[index]
        pod | {"spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": 1}, "replcas": 3}}]}},
    ]
    assert cases == wrong
