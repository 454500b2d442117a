"""The page at /: its files, their addresses and their headers. What it does in a browser: tests/end_to_end."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.app.expect import expect_problem
from tests.app.factory import TestClient

FOLDER = Path(__file__).parents[3] / "app" / "http" / "page"
NAMES = sorted(path.name for path in FOLDER.iterdir())
KINDS = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
IMPORT = re.compile(r"""^import .* from "(.+)";$|\bimport\(["'](.+)["']\)""", re.MULTILINE)
NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}


class Page(HTMLParser):
    """The tags of a page with their attributes, and the text within script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.code = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in ("script", "style"):
            self.code += data.strip()


def text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("prefix", ["", "/ours", "/team/a"])
def test_all_that_the_page_loads_is_there_below_any_path_at_which_a_proxy_serves_it(
    client: TestClient, prefix: str
) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    root = f"https://proxy{prefix}/"
    links = [attributes.get("src") or attributes.get("href") or "" for _, attributes in Page(page.text).tags]
    waiting = [urljoin(root, link) for link in links if link and not link.startswith("#")]
    found = set()
    while waiting:
        address = waiting.pop()
        if address not in found and address != f"{root}docs":
            found.add(address)
            assert address.startswith(root)
            response = client.get(f"/{address.removeprefix(root)}")
            assert response.status_code == 200
            assert response.headers["content-type"].startswith(KINDS[address.rpartition(".")[2]])
            waiting += [urljoin(address, "".join(name)) for name in IMPORT.findall(response.text)]
    assert {address.rpartition("/")[2] for address in found} == set(NAMES) - {"index.html"}


@pytest.mark.parametrize("path", ["/", *(f"/page/{name}" for name in NAMES)])
def test_the_policy_allows_nothing_from_elsewhere_and_nothing_inline(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"


def test_no_file_names_another_host_and_none_has_inline_code() -> None:
    for name in NAMES:
        hosts = set(re.findall(r"https?://[a-z0-9.]+[^\"'`\s>)]*", text(name)))
        assert hosts <= NAMESPACES, name
    page = Page(text("index.html"))
    assert page.code == ""
    inline = [key for _, attributes in page.tags for key in attributes if key == "style" or key.startswith("on")]
    assert inline == []
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|eval\(", "".join(map(text, NAMES)))


def test_a_browser_that_has_a_file_gets_304_and_one_that_has_another_gets_the_file(client: TestClient) -> None:
    for path in ("/", "/page/main.js"):
        first = client.get(path)
        assert first.headers["cache-control"] == "no-cache"
        again = client.get(path, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert client.get(path, headers={"If-None-Match": '"other"'}).content == first.content


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fopenapi.py", "%2e%2e%2fopenapi.py", "main.js%00", "."])
def test_there_is_no_other_file(client: TestClient, name: str) -> None:
    expect_problem(client.get(f"/page/{name}"), 404)


def test_files_stay_short() -> None:
    lines = {name: len(text(name).splitlines()) for name in NAMES}
    assert {name: count for name, count in lines.items() if count > 250} == {}
