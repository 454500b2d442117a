"""Behind a proxy that serves the service below a prefix, which it removes or passes on."""

from pathlib import Path

import pytest

from app.main import ROUTERS
from app.settings import Settings
from app.settings.network import OWN_PATHS
from app.transport import fast_path_cycle
from tests.app.factory import running, write_sum
from tests.app.raw_http import RawConnection, listening, post, predict_body, without_body

BODY = predict_body([3, 4])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_sum(tmp_path)
    return tmp_path


@pytest.mark.parametrize("prefix", ["", "/team/nalu"])
def test_every_path_is_served_with_and_without_the_prefix(root: Path, prefix: str) -> None:
    with running(root, root_path="/team/nalu/") as client:
        for path in (
            "/models",
            "/models/sum",
            "/models/sum/versions",
            "/health/ready",
            "/metrics",
            "/v2",
            "/docs",
            "/",
        ):
            assert client.get(prefix + path, follow_redirects=True).status_code == 200, path
        assert client.get(f"{prefix}/docs/swagger-ui.css").status_code == 200
        assert client.post(f"{prefix}/predict/arithmetic", content=BODY).json()["predictions"] == [[7.0]]
        assert client.options(f"{prefix}/models").headers["allow"] == "GET, HEAD, OPTIONS"
        assert client.get(f"{prefix}/v2/nothing").json() == {
            "error": f"There is nothing at {prefix}/v2/nothing; GET /docs lists the paths."
        }
        assert client.get(f"{prefix}/models/team/nalu").status_code == 404
        assert client.get("/team/nalux/models").status_code == 404
        assert 'route="/models/{name}"' in client.get("/metrics").text


def test_the_document_names_the_prefix_as_the_address_of_the_service(root: Path) -> None:
    with running(root, root_path="/nalu") as client:
        assert client.get("/nalu/openapi.json").json()["servers"] == [{"url": "/nalu"}]


def test_the_prefix_alone_leads_to_the_start_page_below_it(root: Path) -> None:
    with running(root, root_path="/nalu") as client:
        for method in ("GET", "HEAD"):
            answer = client.request(method, "/nalu", follow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (307, "/nalu/")
        assert client.get("/nalu", follow_redirects=True).status_code == 200


@pytest.mark.parametrize("protocol_name", ["fast_path", "uvicorn"])
def test_keys_are_required_below_the_prefix_too(root: Path, tmp_path: Path, protocol_name: str) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text(f"alice {'0' * 64}\n")
    with listening(root, protocol_name, root_path="/nalu", api_keys_file=keys) as live:
        for prefix in ("", "/nalu"):
            with RawConnection(live.port) as connection:
                assert connection.send(post(BODY, path=f"{prefix}/predict/arithmetic")).answer().status == 401
                assert connection.send(without_body("GET", f"{prefix}/models")).answer("GET").status == 401
                assert connection.send(without_body("GET", f"{prefix}/health/live")).answer("GET").status == 200


def test_requests_with_the_prefix_take_the_fast_path(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    start = fast_path_cycle.FastPathCycle.start
    monkeypatch.setattr(
        fast_path_cycle.FastPathCycle, "start", lambda self, body: taken.append(self.context.route) or start(self, body)
    )
    with listening(root, root_path="/nalu") as live, RawConnection(live.port) as connection:
        for prefix in ("", "/nalu", "/nalu/nalu", "/other"):
            connection.send(post(BODY, path=f"{prefix}/predict/arithmetic")).answer()
        assert taken == ["/predict/arithmetic"] * 2
        assert live.counted(status="200") == 2


def test_a_rejected_head_below_the_prefix_gets_the_error_of_its_protocol(root: Path) -> None:
    with listening(root, root_path="/nalu", max_head_bytes=1024) as live, RawConnection(live.port) as connection:
        request = without_body("GET", "/nalu/v2/models", f"X-Long: {'x' * 1000}")
        answer = connection.send(request).answer("GET")
        assert (answer.status, answer.body[:9]) == (431, b'{"error":')


def test_no_prefix_may_be_mistaken_for_a_path_of_the_service() -> None:
    own = {route.path.split("/")[1] for router in ROUTERS for route in router.routes}  # type: ignore[attr-defined]
    assert own - {""} == OWN_PATHS


def test_a_slash_alone_is_no_prefix() -> None:
    assert Settings(root_path="/").root_path is None


def test_without_a_prefix_the_document_names_no_address(root: Path) -> None:
    with running(root) as client:
        assert client.app.servers == [{"url": "."}]  # type: ignore[attr-defined]
        assert client.get("/nalu/models").status_code == 404
