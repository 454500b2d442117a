import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from PIL import Image

from tests.app.factory import TestClient
from tests.app.pictures import upload, values

Operation = tuple[str, str, dict[str, Any]]


class References(HTMLParser):
    """The addresses that a page makes a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("src", "href") and value]


@pytest.fixture(scope="module")
def specification(client: TestClient) -> dict[str, Any]:
    response = client.get("/openapi.json")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def operations(specification: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in specification["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object within."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(part)


def references(client: TestClient) -> list[str]:
    page = client.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    reader = References()
    reader.feed(page.text)
    return reader.found


def test_the_page_loads_nothing_from_another_host(client: TestClient) -> None:
    assert sorted(references(client)) == ["/docs/favicon.png", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"]
    page = client.get("/docs").text
    assert not re.search(r"(https?:)?//[a-z0-9]", page), "the page names another host"
    assert "url: '/openapi.json'" in page
    assert not re.search(r"""@import|url\(\s*["']?(https?:)?//""", client.get("/docs/swagger-ui.css").text)


def test_everything_that_the_page_loads_is_there(client: TestClient) -> None:
    kinds = {"js": "text/javascript", "css": "text/css", "png": "image/png"}
    for address in references(client):
        response = client.get(address)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith(kinds[address.rpartition(".")[2]])
        assert len(response.content) > 100


def test_behind_a_proxy_the_page_refers_to_where_the_proxy_put_it(client: TestClient) -> None:
    page = TestClient(client.app, root_path="/models-of-ours").get("/models-of-ours/docs").text
    assert "/models-of-ours/openapi.json" in page
    assert "/models-of-ours/docs/swagger-ui-bundle.js" in page


def test_the_specification_covers_every_contract_path_and_refers_to_nothing_missing(
    specification: dict[str, Any],
) -> None:
    assert specification["openapi"].startswith("3.1")
    assert specification["info"]["title"] == "nalu-serve"
    promised = {"/predict/arithmetic", "/predict/image", "/models", "/models/{name}", "/metrics"}
    assert promised | {"/health/live", "/health/ready"} <= specification["paths"].keys()
    schemas = specification["components"]["schemas"]
    for part in parts(specification):
        if isinstance(part.get("$ref"), str):
            assert part["$ref"].removeprefix("#/components/schemas/") in schemas
    ids = [operation["operationId"] for _, _, operation in operations(specification)]
    assert len(ids) == len(set(ids))


def test_every_operation_says_what_it_does_and_what_it_answers(specification: dict[str, Any]) -> None:
    for path, method, operation in operations(specification):
        assert operation["summary"], (path, method)
        assert operation["description"], (path, method)
        assert "200" in operation["responses"], (path, method)


WITH_BODY = {
    "/predict/arithmetic",
    "/predict/image",
    "/v2/models/{model}/infer",
    "/v2/models/{model}/versions/{version}/infer",
    "/v2/repository/index",
    "/v2/repository/models/{model}/load",
    "/v2/repository/models/{model}/unload",
}


def test_every_operation_with_a_body_has_an_example_of_it(specification: dict[str, Any]) -> None:
    with_body = [entry for entry in operations(specification) if "requestBody" in entry[2]]
    assert {path for path, _, _ in with_body} == WITH_BODY
    for path, _, operation in with_body:
        for content in operation["requestBody"]["content"].values():
            name = content["schema"].get("$ref", "").rpartition("/")[2]
            schema = specification["components"]["schemas"][name] if name else content["schema"]
            given = [part for part in parts([content, schema]) if "example" in part or part.get("examples")]
            assert given, path


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/predict/arithmetic", "post", {"404", "408", "413", "422", "503"}),
        ("/predict/image", "post", {"404", "408", "413", "415", "422", "503"}),
        ("/models/{name}", "get", {"404", "422", "503"}),
    ],
)
def test_errors_are_documented_as_problem_details_and_as_nothing_else(
    specification: dict[str, Any], path: str, method: str, statuses: set[str]
) -> None:
    responses = specification["paths"][path][method]["responses"]
    assert responses.keys() == {"200"} | statuses
    for status in statuses:
        assert list(responses[status]["content"]) == ["application/problem+json"]
        assert responses[status]["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")


def test_the_documented_example_works(client: TestClient, specification: dict[str, Any]) -> None:
    operation = specification["paths"]["/predict/arithmetic"]["post"]
    request = operation["requestBody"]["content"]["application/json"]["schema"]["examples"][0]
    documented = specification["components"]["schemas"]["ArithmeticAnswer"]["examples"][0]
    answer = client.post("/predict/arithmetic", json=request).json()
    assert answer.keys() == documented.keys()
    for field in ("model", "version", "predictions", "formula", "warnings"):
        assert answer[field] == documented[field]


def test_the_documented_picture_is_a_digit_that_can_be_predicted(client: TestClient) -> None:
    response = client.get("/docs/digit.png")
    assert response.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(response.content)).size == (96, 96)
    assert 128 < values(upload(client, "brightness", response.content))[0] < 255
