"""What a browser needs of the service to let a page of another origin use it (https://fetch.spec.whatwg.org)."""

from hashlib import sha256
from pathlib import Path

import pytest

from tests.app.factory import running, write_sum
from tests.app.raw_http import RawConnection, listening, post, predict_body, without_body

PAGE = "https://app.example.org"
OTHER = "https://evil.example"
BODY = {"model": "sum", "inputs": [[1, 2]]}
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-api-key"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_sum(tmp_path / "repository")
    return tmp_path / "repository"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "keys.txt"
    file.write_text(f"slow {sha256(b'slow').hexdigest()} rate=1/h\n")
    return file


def lists(value: str) -> set[str]:
    return {part.strip().lower() for part in value.split(",")}


def test_a_preflight_is_answered_before_any_key_and_allows_what_clients_send(root: Path, keys: Path) -> None:
    with running(root, cors_origins=f"{PAGE},http://localhost:3000", api_keys_file=keys) as client:
        for path in ("/predict/arithmetic", "/v2/models/sum/infer", "/nothing/here"):
            answer = client.options(path, headers={"Origin": PAGE} | ASKS)
            assert (answer.status_code, answer.content) == (204, b"")
            assert answer.headers["access-control-allow-origin"] == PAGE
            assert {"get", "post"} <= lists(answer.headers["access-control-allow-methods"])
            allowed = lists(answer.headers["access-control-allow-headers"])
            assert {"authorization", "x-api-key", "content-type", "inference-header-content-length"} <= allowed
            assert 0 < int(answer.headers["access-control-max-age"]) <= 7200
            assert answer.headers["vary"] == "Origin"
            assert "access-control-allow-credentials" not in answer.headers


def test_other_origins_are_allowed_nothing_and_caches_learn_that_it_depends(root: Path) -> None:
    with running(root, cors_origins=PAGE) as client:
        for origin in (
            OTHER,
            PAGE.upper(),
            f"{PAGE}:8443",
            "http://app.example.org",
            "null",
            f"{PAGE}.evil.example",
            "",
        ):
            for answer in (
                client.options("/predict/arithmetic", headers={"Origin": origin} | ASKS),
                client.post("/predict/arithmetic", json=BODY, headers={"Origin": origin}),
            ):
                assert not [name for name in answer.headers if name.startswith("access-control")]
                assert answer.headers["vary"] == "Origin"
        assert client.get("/models").headers["vary"] == "Origin"


def test_a_star_allows_every_origin_and_depends_on_none(root: Path) -> None:
    with running(root, cors_origins="*") as client:
        for answer in (client.options("/models", headers={"Origin": OTHER} | ASKS), client.get("/models")):
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "vary" not in answer.headers


def test_without_the_setting_no_response_speaks_of_origins(root: Path) -> None:
    with running(root) as client:
        for answer in (
            client.options("/models", headers={"Origin": PAGE} | ASKS),
            client.get("/models", headers={"Origin": PAGE}),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control") or name == "vary"]


def test_options_that_are_no_preflight_list_the_methods_as_ever(root: Path) -> None:
    with running(root, cors_origins=PAGE) as client:
        answer = client.options("/models", headers={"Origin": PAGE})
        assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert client.options("/nothing", headers={"Origin": PAGE}).status_code == 404


@pytest.mark.parametrize("protocol_name", ["fast_path", "uvicorn"])
def test_a_script_may_read_every_response_and_error_by_its_headers(root: Path, keys: Path, protocol_name: str) -> None:
    """Over real sockets, so that the fast path and the rejections before any request are among them."""
    settings = {"cors_origins": PAGE, "api_keys_file": keys, "max_body_bytes": 1000, "max_head_bytes": 1024}
    origin, key = f"Origin: {PAGE}", "X-API-Key: slow"
    body = predict_body([3, 4])
    with listening(root, protocol_name, **settings) as live:
        for status, request in (
            (200, post(body, origin, key)),
            (429, post(body, origin, key)),
            (401, post(body, origin)),
            (401, post(body, origin, path="/v2/models/sum/infer")),
            (413, post(b" " * 1001, origin, key)),
            (405, without_body("DELETE", "/docs", origin)),
            (200, without_body("GET", "/health/live", origin)),
            (431, without_body("GET", "/health/live", origin, f"X-Long: {'x' * 1000}")),
        ):
            if status == 431 and protocol_name == "uvicorn":
                continue  # the limits on heads are those of our own protocol
            if status == 413:
                live.service.access = None
            with RawConnection(live.port) as connection:
                answer = connection.send(request).answer()
            assert answer.status == status, answer
            assert answer.header("access-control-allow-origin") == PAGE, status
            exposed = lists(answer.header("access-control-expose-headers") or "")
            assert {"x-request-id", "retry-after"} <= exposed, status
            assert answer.header("vary") == "Origin", status


def test_preflights_are_counted_as_a_route_of_their_own(root: Path) -> None:
    with running(root, cors_origins=PAGE) as client:
        client.options("/made-up", headers={"Origin": PAGE} | ASKS)
        assert 'nalu_requests_total{route="preflight",status="204"} 1.0' in client.get("/metrics").text


def test_the_documentation_is_readable_too(root: Path) -> None:
    with running(root, cors_origins=PAGE) as client:
        for path in ("/docs", "/openapi.json", "/metrics", "/health/ready"):
            assert client.get(path, headers={"Origin": PAGE}).headers["access-control-allow-origin"] == PAGE
