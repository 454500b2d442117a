"""The site is built without a warning, links to nothing that is not there, and needs no network."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import ROOT

pytestmark = pytest.mark.slow

LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\bsrc=["']([^"']*)"""
    r"""|<link\b(?![^>]*rel=["'](?:canonical|next|prev|index|search)["'])[^>]*?\bhref=["']([^"']*)"""
)
FETCHED = re.compile(r"""@import\s+(?:url\()?["']?([^"')\s;]+)|url\(\s*["']?([^"')]+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as ``make docs`` builds it, from the pages that it has read where it has just done so."""
    [command] = [line for line in (ROOT / "Makefile").read_text().splitlines() if "-m sphinx" in line]
    folder = tmp_path_factory.mktemp("site")
    if (already_read := ROOT / "build/docs/.doctrees").is_dir():
        shutil.copytree(already_read, folder / ".doctrees")
    arguments = command.split(" -m sphinx ")[1].replace("build/docs", str(folder)).split()
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {"-W", "-n"} <= set(arguments)
    return folder


def test_nothing_that_a_page_loads_comes_from_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 50
    for page in pages:
        for found in LOADED.findall(page.read_text(encoding="utf-8")):
            address = urlsplit("".join(found))
            assert not address.netloc, f"{page} loads {address.geturl()}"
    for sheet in site.rglob("*.css"):
        for found in FETCHED.findall(sheet.read_text(encoding="utf-8")):
            address = urlsplit("".join(found))
            assert address.scheme == "data" or not address.netloc, f"{sheet} loads {address.geturl()}"


def test_every_link_leads_to_a_page_and_a_place_in_it(site: Path) -> None:
    texts = {page: page.read_text(encoding="utf-8") for page in site.rglob("*.html")}
    places = {page.resolve(): set(re.findall(r'\bid="([^"]+)"', text)) for page, text in texts.items()}
    for page, text in texts.items():
        for link in re.findall(r'<a\b[^>]*?\bhref="([^"]*)"', text):
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (page.parent / unquote(address.path)).resolve() if address.path else page.resolve()
            assert target.is_file(), f"{page} links to {link}"
            if address.fragment and target in places:
                assert unquote(address.fragment) in places[target], f"{page} links to {link}"


def test_the_front_page_is_the_readme(site: Path) -> None:
    assert (site / "index.html").read_text(encoding="utf-8") == (site / "README.html").read_text(encoding="utf-8")
    assert "make serve" in (site / "index.html").read_text(encoding="utf-8")


def test_code_that_pages_link_to_is_shown(site: Path) -> None:
    page = (site / "app" / "transport" / "fast_path.py.html").read_text(encoding="utf-8")
    assert "class" in page
    assert "FastPathProtocol" in page


def test_the_search_knows_the_words_of_the_pages(site: Path) -> None:
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert index.startswith("Search.setIndex(")
    assert '"docs/serving"' in index
    assert "extrapol" in index
