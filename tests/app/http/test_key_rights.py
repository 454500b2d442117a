"""What a key allows, at every door: the models that it may use, and how many requests it may send."""

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app.codecs.image_schemas import EXAMPLE_IMAGE
from app.main import ROUTERS
from tests.app.expect import expect_problem
from tests.app.factory import TestClient, running, write_image, write_sum
from tests.app.http.test_dispatcher import counted
from tests.app.images import grey

ROWS = {"inputs": [[1, 2]]}
TENSOR = {"inputs": [{"name": "input", "shape": [1, 2], "datatype": "FP64", "data": [1, 2]}]}
DOORS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "numbers": ("POST", "/predict/arithmetic", {"json": {"model": "{}"} | ROWS}),
    "numbers-of-a-version": ("POST", "/predict/arithmetic", {"json": {"model": "{}", "version": 1} | ROWS}),
    "images": ("POST", "/predict/image", {"data": {"model": "{}"}, "files": [("files", ("a.png", grey(7)))]}),
    "images-in-json": ("POST", "/predict/image", {"json": {"model": "{}", "images": [EXAMPLE_IMAGE]}}),
    "table": (
        "POST",
        "/predict/arithmetic?model={}",
        {"content": "a,b\n1,2\n", "headers": {"Content-Type": "text/csv"}},
    ),
    "manifest": ("GET", "/models/{}", {}),
    "manifest-of-a-version": ("GET", "/models/{}?version=1", {}),
    "versions": ("GET", "/models/{}/versions", {}),
    "v2-metadata": ("GET", "/v2/models/{}", {}),
    "v2-version": ("GET", "/v2/models/{}/versions/1", {}),
    "v2-ready": ("GET", "/v2/models/{}/ready", {}),
    "v2-config": ("GET", "/v2/models/{}/config", {}),
    "v2-stats": ("GET", "/v2/models/{}/stats", {}),
    "v2-infer": ("POST", "/v2/models/{}/infer", {"json": TENSOR}),
    "v2-unload": ("POST", "/v2/repository/models/{}/unload", {}),
    "v2-load": ("POST", "/v2/repository/models/{}/load", {}),
}
"""Method, path and body of a request for a model."""


def key_line(name: str, *fields: str) -> str:
    """The line of the key ``NAME's key``."""
    return " ".join([name, sha256(f"{name}'s key".encode()).hexdigest(), *fields]) + "\n"


def key_of(name: str) -> dict[str, str]:
    return {"X-API-Key": f"{name}'s key"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("sum", "secret"):
        write_sum(tmp_path / "repository", name)
    write_image(tmp_path / "repository", "shade", "classes")
    return tmp_path / "repository"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "keys.txt"
    file.write_text(
        key_line("all") + key_line("few", "models=sum,shade,coming") + key_line("slow", "rate=3/h", "models=sum")
    )
    return file


def ask(client: TestClient, door: str, model: str, key: str) -> Any:
    method, path, body = DOORS[door]
    filled = {
        kind: {name: model if value == "{}" else value for name, value in content.items()}
        if isinstance(content, dict)
        else content
        for kind, content in body.items()
    }
    filled["headers"] = key_of(key) | filled.get("headers", {})
    return client.request(method, path.format(model), **filled)


def test_a_key_reaches_its_models_and_no_other_at_every_door(root: Path, keys: Path) -> None:
    of_models = [route for router in ROUTERS for route in router.routes if re.search(r"\{(name|model)\}", route.path)]  # type: ignore[attr-defined]
    assert len(of_models) > 10
    with running(root, api_keys_file=keys, model_control="explicit") as client:
        for route in of_models:  # those that are added later too
            [method] = route.methods  # type: ignore[attr-defined]
            url = route.path.format(name="secret", model="secret", version="1")  # type: ignore[attr-defined]
            assert client.request(method, url, headers=key_of("few")).status_code == 403, url
        for door in DOORS:
            own = "shade" if door.startswith("images") else "sum"
            assert ask(client, door, own, "few").status_code == 200, door
            for model in ("secret", "nobody"):
                detail = f"The API key few may not use a model '{model}'; GET /models lists those that it may use."
                refused = ask(client, door, model, "few")
                if door.startswith("v2"):
                    assert (refused.status_code, refused.json()) == (403, {"error": detail}), door
                else:
                    expect_problem(refused, 403, detail)
            assert ask(client, door, "secret", "all").status_code in {200, 422}, door  # 422: it takes numbers
            assert ask(client, door, "coming", "few").status_code in {200, 400, 404}, door
        assert counted(client, "nalu_rejections_total")["forbidden",] == 2 * len(DOORS) + len(of_models)


def test_lists_show_a_key_its_models_alone(root: Path, keys: Path) -> None:
    with running(root, api_keys_file=keys) as client:

        def listed(method: str, path: str, key: str) -> list[str]:
            answer = client.request(method, path, headers=key_of(key)).json()
            entries = answer if isinstance(answer, list) else answer.get("models") or answer["model_stats"]
            return sorted(entry if isinstance(entry, str) else entry["name"] for entry in entries)

        for method, path in (
            ("GET", "/models"),
            ("GET", "/v2/models"),
            ("GET", "/v2/models/stats"),
            ("POST", "/v2/repository/index"),
        ):
            assert listed(method, path, "few") == ["shade", "sum"], path
            assert listed(method, path, "all") == ["secret", "shade", "sum"], path


def test_one_request_more_than_the_rate_gets_429_and_when_to_come_back(root: Path, keys: Path) -> None:
    with running(root, api_keys_file=keys) as client:
        assert ask(client, "numbers", "sum", "slow").status_code == 200
        assert ask(client, "v2-infer", "sum", "slow").status_code == 200
        assert ask(client, "manifest", "secret", "slow").status_code == 403  # counts too
        detail = (
            "The API key slow has sent more than 3/h, its rate limit; send fewer requests, or ask the service's "
            "operator for a higher limit."
        )
        problem = ask(client, "numbers", "sum", "slow")
        expect_problem(problem, 429, detail)
        assert 1190 <= int(problem.headers["retry-after"]) <= 1200
        for door in DOORS:
            refused = ask(client, door, "sum", "slow")
            assert (refused.status_code, "retry-after" in refused.headers) == (429, True), door
            if door.startswith("v2"):
                assert refused.json() == {"error": detail}
        assert client.get("/health/ready", headers=key_of("slow")).status_code == 200
        assert client.options("/models", headers=key_of("slow")).status_code == 204
        assert counted(client, "nalu_rejections_total")["rate_limited",] == 1 + len(DOORS)


def test_the_setting_is_the_rate_of_keys_without_one_and_each_has_a_bucket(root: Path, keys: Path) -> None:
    with running(root, api_keys_file=keys, rate_limit="2/h") as client:
        for key, most in (("all", 2), ("few", 2), ("slow", 3)):
            statuses = [ask(client, "manifest", "sum", key).status_code for _ in range(5)]
            assert statuses == [200] * most + [429] * (5 - most)


def test_a_rate_that_changes_in_the_file_holds_from_the_next_request_on(root: Path, keys: Path) -> None:
    with running(root, api_keys_file=keys) as client:
        assert [ask(client, "manifest", "sum", "slow").status_code for _ in range(4)] == [200] * 3 + [429]
        keys.write_text(key_line("slow", "rate=1000000/s"))
        client.app.state.service.access.keys.reload()  # type: ignore[attr-defined]
        ask(client, "manifest", "sum", "slow")  # his bucket begins to fill at the new rate
        assert [ask(client, "manifest", "sum", "slow").status_code for _ in range(4)] == [200] * 4
