import re
import sys
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pyarrow as pa
import pytest

from tests.app.factory import TestClient, running
from tests.app.v2_requests import body, infer

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


def references(client: TestClient, path: str = "/docs") -> list[str]:
    page = client.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    reader = References()
    reader.feed(page.text)
    return reader.found


def test_the_page_loads_nothing_from_another_host(client: TestClient) -> None:
    assert sorted(references(client)) == ["./docs/favicon.png", "./docs/swagger-ui-bundle.js", "./docs/swagger-ui.css"]
    page = client.get("/docs").text
    assert not re.search(r"(https?:)?//[a-z0-9]", page), "the page names another host"
    assert "url: './openapi.json'" in page
    assert not re.search(r"""@import|url\(\s*["']?(https?:)?//""", client.get("/docs/swagger-ui.css").text)


@pytest.mark.parametrize("prefix", ["", "/ours", "/team/a"])
@pytest.mark.parametrize("page", ["/docs", "/docs/"])
def test_everything_that_the_page_loads_is_there_below_any_path_at_which_a_proxy_serves_it(
    client: TestClient, prefix: str, page: str
) -> None:
    kinds = {"js": "text/javascript", "css": "text/css", "png": "image/png", "json": "application/json"}
    [document] = re.findall("url: '(.*)'", client.get(page).text)
    for address in [document, *references(client, page)]:
        path = urljoin(f"https://proxy{prefix}{page}", address).removeprefix(f"https://proxy{prefix}")
        response = client.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith(kinds[address.rpartition(".")[2]])
        assert len(response.content) > 100


@pytest.mark.parametrize("prefix", ["", "/ours", "/team/a"])
def test_behind_a_proxy_the_document_names_the_address_at_which_the_proxy_serves_it(
    client: TestClient, prefix: str
) -> None:
    headers = {"X-Forwarded-Prefix": "/evil", "X-Forwarded-Host": "evil", "Host": "evil"}
    response = client.get("/openapi.json", headers=headers)
    [server] = response.json()["servers"]
    assert urljoin(f"https://proxy{prefix}/openapi.json", server["url"]) == f"https://proxy{prefix}/"
    assert (
        "evil" not in client.get("/docs", headers=headers).text + response.text + client.get("/", headers=headers).text
    )


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/health/live", "/models/sum/", "/v2/models/sum"])
def test_below_the_root_path_of_the_server_all_is_as_without_it(client: TestClient, path: str) -> None:
    below = TestClient(client.app, root_path="/ours").get(f"/ours{path}")
    assert (below.status_code, below.content) == (200, client.get(path).content)


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


def test_every_operation_documents_its_purpose_and_its_response(specification: dict[str, Any]) -> None:
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
        ("/predict/arithmetic", "post", {"404", "408", "413", "415", "422", "503"}),
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
    documented = specification["components"]["schemas"]["ArithmeticResponse"]["examples"][0]
    answer = client.post("/predict/arithmetic", json=request).json()
    assert answer.keys() == documented.keys()
    for field in ("model", "version", "predictions", "formula", "warnings"):
        assert answer[field] == documented[field]


def test_the_documented_tables_work_and_are_one(client: TestClient, specification: dict[str, Any]) -> None:
    operation = specification["paths"]["/predict/arithmetic"]["post"]
    content = operation["requestBody"]["content"]
    assert list(content) == ["application/json", "text/csv", "application/vnd.apache.arrow.stream"]
    [text] = content["text/csv"]["schema"]["examples"]
    stream = client.get("/" + content["application/vnd.apache.arrow.stream"]["examples"]["table"]["externalValue"])
    in_json = content["application/json"]["schema"]["examples"][0]["inputs"]
    assert pa.ipc.open_stream(stream.content).read_all().to_pydict() == {"a": [3, 1000], "b": [4, -250]}
    assert [list(row.values()) for row in pa.ipc.open_stream(stream.content).read_all().to_pylist()] == in_json
    url = "/predict/arithmetic?model=add"
    headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
    answer = client.post(url, content=text, headers=headers)
    documented = operation["responses"]["200"]["content"]
    assert answer.text.replace("true", "false") == documented["text/csv"]["schema"]["examples"][0].replace(
        "true", "false"
    )
    kind = {"Content-Type": stream.headers["content-type"]}
    table = pa.ipc.open_stream(client.post(url, content=stream.content, headers=kind).content).read_all()
    assert table["predicted_y"].to_pylist() == [7, 750]


def test_the_documented_images_work_as_json_and_as_bytes(client: TestClient, specification: dict[str, Any]) -> None:
    content = specification["paths"]["/predict/image"]["post"]["requestBody"]["content"]
    assert list(content) == ["multipart/form-data", "application/json"]
    [example] = content["application/json"]["schema"]["examples"]
    answer = client.post("/predict/image", json=example | {"model": "shade"})
    assert answer.json()["predictions"][0]["label"] == "bright"
    infer_content = specification["paths"]["/v2/models/{model}/infer"]["post"]["requestBody"]["content"]
    files = infer_content["application/json"]["schema"]["examples"][1]
    outputs = client.post("/v2/models/shade/infer", json=files).json()["outputs"]
    assert outputs[0]["data"] == list(answer.json()["predictions"][0]["probabilities"].values())


VERSION = {"type": "integer", "minimum": 1, "maximum": 10**9}


def test_versions_in_paths_queries_and_forms_are_whole_numbers_and_never_null(specification: dict[str, Any]) -> None:
    parameters = [
        parameter for _, _, operation in operations(specification) for parameter in operation.get("parameters", ())
    ]
    versions = [parameter["schema"] for parameter in parameters if parameter["name"] == "version"]
    form = specification["paths"]["/predict/image"]["post"]["requestBody"]["content"]["multipart/form-data"]
    versions.append(form["schema"]["properties"]["version"])
    assert len(versions) == 10
    for schema in versions:
        assert schema.items() >= VERSION.items()
        assert "default" not in schema


def test_every_path_with_a_version_documents_the_error_of_an_invalid_one(
    client: TestClient, specification: dict[str, Any]
) -> None:
    for path, _, operation in operations(specification):
        if path.endswith("/infer"):
            continue
        assert ("400" in operation["responses"]) == ("{version}" in path or "/repository/" in path), path
    for version in ("0", "1000000001", "one", "-1", "1.0"):
        assert client.get(f"/v2/models/add/versions/{version}").status_code == 400


def test_every_operation_documents_503_and_when_to_retry(
    specification: dict[str, Any],
) -> None:
    for path, _, operation in operations(specification):
        busy = operation["responses"]["503"]
        assert busy["content"], path
        if not path.endswith("/health/ready"):  # which answers 503 for itself too
            assert busy["headers"]["Retry-After"]["required"], path


def test_fastapis_own_errors_which_are_never_sent_are_not_documented(specification: dict[str, Any]) -> None:
    assert not {"HTTPValidationError", "ValidationError"} & specification["components"]["schemas"].keys()
    assert "422" not in specification["paths"]["/models/{name}/versions"]["get"]["responses"]


def test_numbers_are_documented_as_float64_and_rows_as_not_empty(specification: dict[str, Any]) -> None:
    body = specification["paths"]["/predict/arithmetic"]["post"]["requestBody"]["content"]["application/json"]
    rows = body["schema"]["properties"]["inputs"]
    assert (rows["minItems"], rows["items"]["minItems"]) == (1, 1)
    assert rows["items"]["items"] == {"type": "number", "format": "double"}


@pytest.mark.parametrize("number", [sys.float_info.max, -sys.float_info.max])
def test_the_largest_number_of_float64_is_taken(client: TestClient, number: float) -> None:
    answer = client.post("/predict/arithmetic", json={"model": "add", "inputs": [[number, 0]]})
    assert answer.json()["predictions"] == [[number]]


def test_a_form_documents_its_files_and_their_types(specification: dict[str, Any]) -> None:
    form = specification["paths"]["/predict/image"]["post"]["requestBody"]["content"]["multipart/form-data"]
    kinds = ["png", "jpeg", "webp", "gif", "bmp", "tiff", "avif", "x-portable-anymap", "heic"]
    assert form["encoding"] == {"files": {"contentType": ", ".join(f"image/{kind}" for kind in kinds)}}
    files = form["schema"]["properties"]["files"]
    assert files["items"] == {"type": "string", "format": "binary"}  # what Swagger UI offers a file picker for


def test_the_documented_binary_example_works_with_the_length_of_its_json(
    client: TestClient, specification: dict[str, Any]
) -> None:
    content = specification["paths"]["/v2/models/{model}/infer"]["post"]["requestBody"]["content"]
    example = content["application/octet-stream"]["schema"]["examples"][0].encode()
    headers = {"Inference-Header-Content-Length": str(example.index(b"\0"))}
    answer = client.post("/v2/models/add/infer", content=example, headers=headers)
    assert answer.json()["outputs"][0]["data"] == [7.0]


def test_a_binary_answer_of_infer_is_documented(client: TestClient, specification: dict[str, Any]) -> None:
    documented = specification["paths"]["/v2/models/{model}/infer"]["post"]["responses"]["200"]
    answer = infer(client, "add", body(parameters={"binary_data_output": True}))
    assert answer.headers["content-type"] in documented["content"]
    assert list(documented["headers"]) == ["Inference-Header-Content-Length"]
    assert int(answer.headers["Inference-Header-Content-Length"]) < len(answer.content)


def test_with_api_keys_every_operation_but_the_open_ones_may_answer_401(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    file.write_text(f"alice {sha256(b'key').hexdigest()}\n")
    with running(tmp_path, api_keys_file=file) as client:
        specification = client.get("/openapi.json").json()
        for path, method, operation in operations(specification):
            answer = client.request(method, path.format(model="add", version=1, name="add"))
            assert (answer.status_code == 401) == ("401" in operation["responses"]), path
            assert ("401" in operation["responses"]) == ("security" not in operation), path
            if answer.status_code == 401:
                documented = operation["responses"]["401"]
                assert list(documented["content"]) == [answer.headers["content-type"]]
                assert "WWW-Authenticate" in documented["headers"]
                assert answer.headers["WWW-Authenticate"] == "Bearer"
