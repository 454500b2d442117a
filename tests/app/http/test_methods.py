"""HEAD, OPTIONS, methods that a path does not take, and slashes at the end of a path, on every path there is."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.main import ROUTERS
from tests.app.expect import expect_problem
from tests.app.factory import TestClient, running, write_sum
from tests.app.raw_http import LiveService, RawConnection, listening, without_body

METHODS = {
    path.format(name="sum", model="sum", version=1, file="main.js"): methods
    for router in ROUTERS
    for path, methods in [(route.path, set(route.methods)) for route in router.routes]  # type: ignore[attr-defined]
}
"""Every path, with the methods that its endpoint is registered for."""
GET = sorted(path for path, methods in METHODS.items() if "GET" in methods)
POST = sorted(path for path, methods in METHODS.items() if "POST" in methods)
CHANGING = {"x-request-id", "date"}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    root = tmp_path_factory.mktemp("repository")
    file = root / "keys"
    file.write_text(f"somebody {sha256(b'secret').hexdigest()}\n")
    write_sum(root)
    with running(root, api_keys_file=file) as client:
        yield client


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    root = tmp_path_factory.mktemp("repository")
    write_sum(root)
    with listening(root) as live:
        yield live


def test_the_paths_are_those_of_the_contract_and_each_takes_one_method() -> None:
    assert len(GET) >= 24
    assert len(POST) == 7
    assert {"/health/live", "/metrics", "/models", "/openapi.json", "/docs/digit.png", "/docs/swagger-ui.css"} < set(
        GET
    )
    assert all(len(methods) == 1 for methods in METHODS.values())


@pytest.mark.parametrize("path", GET)
def test_head_has_the_status_and_headers_of_get_and_no_body_and_the_connection_goes_on(
    live: LiveService, path: str
) -> None:
    if path == "/metrics":
        live.service.metrics.flush()  # or the second response may list more
    with RawConnection(live.port) as connection:
        head = connection.send(without_body("HEAD", path)).answer("HEAD")
        following = connection.send(without_body("GET", "/health/live")).answer()
        get = connection.send(without_body("GET", path)).answer()
    assert (following.status, following.body) == (200, b'{"live":true}')
    assert head.status == get.status
    assert [name for name, _ in head.headers] == [name for name, _ in get.headers]
    if path not in ("/metrics", "/v2/models/stats"):  # whose figures differ
        assert [pair for pair in head.headers if pair[0] not in CHANGING] == [
            pair for pair in get.headers if pair[0] not in CHANGING
        ]
        assert int(head.header("content-length") or -1) == len(get.body)


@pytest.mark.parametrize("path", ["/nothing", "/models/nobody", "/v2/models/nobody", "/v2/models/sum/versions/0"])
def test_head_of_an_error_is_that_of_get(live: LiveService, path: str) -> None:
    with RawConnection(live.port) as connection:
        head = connection.send(without_body("HEAD", path)).answer("HEAD")
        get = connection.send(without_body("GET", path)).answer()
    assert head.status == get.status >= 400
    assert head.header("content-length") == get.header("content-length") == str(len(get.body))


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", sorted(METHODS))
def test_options_lists_what_a_path_takes(client: TestClient, path: str, slash: str) -> None:
    response = client.options(path if path == "/" else path + slash)
    assert (response.status_code, response.content) == (204, b"")
    assert "content-length" not in response.headers
    assert response.headers["allow"] == ("GET, HEAD, OPTIONS" if path in GET else "POST, OPTIONS")
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_options_of_the_server_lists_what_it_knows_and_of_nothing_is_404(live: LiveService) -> None:
    with RawConnection(live.port) as connection:
        response = connection.send(without_body("OPTIONS", "*")).answer()
        assert (response.status, response.header("allow")) == (204, "GET, HEAD, POST, OPTIONS")
        for path in ("/nothing", "/predict", "/models/sum/nothing", "//models"):
            assert connection.send(without_body("OPTIONS", path)).answer().status == 404


@pytest.mark.parametrize("path", sorted(METHODS))
def test_a_method_that_a_path_does_not_take_gets_405_and_what_it_takes(client: TestClient, path: str) -> None:
    other = "POST" if path in GET else "GET"
    slash = f"{path.rstrip('/')}/"
    for method, form in ((other, path), ("DELETE", slash), ("TRACE", path), ("FOO", path)):
        response = client.request(method, form)
        assert response.status_code == 405
        assert response.headers["allow"] == ("GET, HEAD, OPTIONS" if path in GET else "POST, OPTIONS")
        message = f"{form} does not take {method}; GET /docs lists the methods it takes."
        if path.startswith("/v2"):
            assert response.json() == {"error": message}
        else:
            expect_problem(response, 405, message)


@pytest.mark.parametrize("path", POST)
def test_head_of_what_takes_no_get_gets_405_without_a_body(client: TestClient, path: str) -> None:
    response = client.head(path)
    assert (response.status_code, response.headers["allow"], response.content) == (405, "POST, OPTIONS", b"")
    assert int(response.headers["content-length"]) > 0


@pytest.mark.parametrize("path", [path for path in GET if path != "/"])
def test_a_slash_at_the_end_of_a_path_changes_nothing(client: TestClient, path: str) -> None:
    headers = {"Host": "evil", "X-Forwarded-Proto": "gopher"}
    plain, slash = (client.get(form, headers=headers, follow_redirects=False) for form in (path, f"{path}/"))
    assert slash.status_code == plain.status_code == 200
    assert "location" not in slash.headers
    if path not in ("/metrics", "/v2/models/stats", "/docs"):  # figures that differ; relative addresses
        assert slash.content == plain.content


def test_a_slash_before_a_query_changes_nothing(client: TestClient) -> None:
    for query, status in (("version=1", 200), ("version=0", 422)):
        for path in ("/models/sum", "/models/sum/"):
            assert client.get(f"{path}?{query}", follow_redirects=False).status_code == status


@pytest.mark.parametrize("path", ["//models", "/models//", "/models//sum", "//", "/health//live", "/v2//", "/predict/"])
def test_other_slashes_are_of_no_path(client: TestClient, path: str) -> None:
    response = client.get(f"http://testserver{path}", follow_redirects=False)
    assert response.status_code == 404
    assert "location" not in response.headers


def test_both_forms_of_a_path_and_all_its_methods_count_as_one_route(tmp_path: Path) -> None:
    write_sum(tmp_path)
    with running(tmp_path) as client:
        for path in ("/models/sum", "/models/sum/"):
            for method in ("GET", "HEAD", "OPTIONS", "PUT"):
                client.request(method, path)
        client.post("/predict/arithmetic/", json={"model": "sum", "inputs": [[1, 2]]})
        client.get("/nothing/")
        families = text_string_to_metric_families(client.get("/metrics").text)
        counted = {
            (sample.labels["route"], sample.labels["status"]): sample.value
            for family in families
            for sample in family.samples
            if sample.name == "nalu_requests_total" and sample.labels["route"] != "/health/ready"
        }
    assert counted == {
        ("/models/{name}", "200"): 4,
        ("/models/{name}", "204"): 2,
        ("/models/{name}", "405"): 2,
        ("/predict/arithmetic", "200"): 1,
        ("none", "404"): 1,
    }


@pytest.mark.parametrize("path", sorted(METHODS.keys() - {"/"}))
def test_a_slash_at_the_end_opens_no_path_and_closes_none(keyed: TestClient, path: str) -> None:
    method = "GET" if path in GET else "POST"
    forms = (path, f"{path}/", f"{path}%2F")
    refused = [keyed.request(method, form, follow_redirects=False).status_code == 401 for form in forms]
    assert refused == [path.startswith(("/predict", "/models", "/v2")) and not path.startswith("/v2/health")] * 3
    with_key = [
        keyed.request(method, form, headers={"X-API-Key": "secret"}, follow_redirects=False).status_code
        for form in forms
    ]
    assert 401 not in with_key
    assert len(set(with_key)) == 1


def test_head_needs_the_key_that_get_needs_and_options_none(keyed: TestClient) -> None:
    for path in ("/models", "/models/", "/v2/models/sum"):
        assert keyed.head(path).status_code == 401
        assert keyed.head(path, headers={"X-API-Key": "secret"}).status_code == 200
    for path in ("/models", "/predict/arithmetic/", "/v2/models/sum/infer"):
        assert keyed.options(path).status_code == 204
    assert keyed.head("/health/live").status_code == 200
    assert keyed.delete("/models").status_code == 401
