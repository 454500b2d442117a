"""Makes the repository's own pages a site: the menu, and a page for every file of code that a page links to.

Pages link to code by its path, as a git host resolves it. Here such a link leads to a page with the code in it.
"""

import os
import shutil
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

MENU = """
```{toctree}
:hidden:
:caption: Use

docs/serving
The page <docs/page>
docs/training
Your own models <docs/import>
The library <docs/library>
Formats <docs/formats>
Examples <docs/examples>
Units, forms and waves <docs/worked-examples>
docs/deployment
```

```{toctree}
:hidden:
:caption: Results

docs/models
docs/benchmarks
Units <docs/results/arithmetic>
Random laws <docs/results/laws>
Laws beside other tools <docs/results/laws-peers>
Wide tables <docs/results/wide>
Intervals <docs/results/intervals>
Tables in random dialects <docs/results/tables>
Digits in images <docs/results/images>
Digits of another collection <docs/results/images-cross-dataset>
Sequences of digits <docs/results/sequences>
Mutated image files <docs/results/mutations>
Decoding images <docs/results/decoders>
Imported models <docs/results/imported>
The service under load <docs/results/serving>
Where the time of a request goes <docs/results/request-path>
Start and memory <docs/results/startup>
Memory after bodies made to hurt <docs/results/memory>
Many workers, connections and models <docs/results/scaling>
A long table without a server <docs/results/predict-table>
Overload <docs/results/overload>
Slow and silent connections <docs/results/slow-connections>
The page in Chromium <docs/results/page>
Models from a bucket that fails <docs/results/object-store>
Monitoring <docs/results/monitoring>
Training on a cluster <docs/results/training-cluster>
gRPC <docs/results/grpc>
Triton on the same repository <docs/results/triton>
Kubernetes and KServe <docs/results/kubernetes>
Under Ray Serve <docs/results/ray>
Services behind HAProxy <docs/results/cluster>
Trial figures <docs/results/trials>
```

```{toctree}
:hidden:
:caption: Project

docs/architecture
docs/design/index
CONTRIBUTING
CHANGELOG
```
"""

DECISIONS = """
```{toctree}
:hidden:
:glob:

*
```
"""

LINKED = "linked_files"
"""Name in the environment of the files that pages link to, by page."""


class LinksToCode(SphinxTransform):
    """Turns links to files outside the pages into links to pages that show them."""

    default_priority = 400

    def apply(self, **_: Any) -> None:
        """Replace the downloads that MyST makes of such links."""
        root = Path(self.env.srcdir)
        for node in list(self.document.findall(addnodes.download_reference)):
            path = Path(os.path.normpath(root / Path(self.env.docname).parent / node["reftarget"])).relative_to(root)
            if path.suffix in {".json", ".png"}:
                continue
            linked = self.env.__dict__.setdefault(LINKED, {})
            linked.setdefault(self.env.docname, set()).add(path.as_posix())
            uri = os.path.relpath(f"{path}.html", Path(self.env.docname).parent)
            node.replace_self(nodes.reference("", "", *node.children, refuri=uri, internal=True))


def code_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """A page for each linked file, in colour."""
    formatter = HtmlFormatter(linenos="inline", cssclass="highlight")

    @cache
    def menu(folder: Path, **options: Any) -> str:
        """The menu of all files of a folder: it is in none of them, and Sphinx takes long to make it."""
        return str(app.builder._get_local_toctree((folder / "file").as_posix(), **options))

    for path in sorted({path for paths in getattr(app.env, LINKED, {}).values() for path in paths}):
        code = (Path(app.srcdir) / path).read_text(encoding="utf-8")
        try:
            lexer = get_lexer_for_filename(path)
        except ClassNotFound:
            lexer = TextLexer()
        body = f'<h1>{path}</h1><div class="code-page">{highlight(code, lexer, formatter)}</div>'
        own_menu = partial(menu, Path(path).parent)
        context = {"title": path, "body": body, "parents": [], "display_toc": False, "toctree": own_menu}
        yield path, context, "page.html"


def add_menu(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give the two pages that list others their part of the menu."""
    if docname == app.config.root_doc:
        source[0] += MENU
    elif docname == "docs/design/index":
        source[0] += DECISIONS


def forget(_: Sphinx, env: Any, docname: str) -> None:
    """Forget what a page linked to before it is read anew."""
    getattr(env, LINKED, {}).pop(docname, None)


def copy_front_page(app: Sphinx, error: Exception | None) -> None:
    """The front page is README's, under the name that browsers and servers look for too."""
    if error is None:
        shutil.copyfile(Path(app.outdir) / f"{app.config.root_doc}.html", Path(app.outdir) / "index.html")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_transform(LinksToCode)
    app.connect("source-read", add_menu)
    app.connect("env-purge-doc", forget)
    app.connect("html-collect-pages", code_pages)
    app.connect("build-finished", copy_front_page)
    return {"parallel_read_safe": False, "version": "1"}
