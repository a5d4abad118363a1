"""`make pages`: the course as a static site, to read without running anything.

The stored notebooks with their outputs, the pages beside them and the code that they
link to become pages of Sphinx with myst-nb, which Jupyter Book 1 builds with, too.
(MyST's own site fetches its theme from the network at each first build.) Then every
link within the site is followed.
"""

from __future__ import annotations

import json
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from workbook import copies

from deploy import environment

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build"
PAGES = BUILD / "pages"

_REQUIREMENTS = HERE / "requirements.txt"
_LANGUAGES = {".py": "python", ".md": "markdown"}
_PROGRESS = re.compile(r"\d+%\|")
_WIDGET = "application/vnd.jupyter.widget-view+json"

_INDEX = """{readme}
```{{toctree}}
:caption: The course
{lessons}
answers
```

```{{toctree}}
:caption: More
run
GLOSSARY
HELP
TEACHING
code
```
"""
_RUN = """# Run it

These pages show what the notebooks gave when they were run and stored. To run them, get
the repository. In its folder:

{readme}
[Teaching with the workbook](notebooks/TEACHING.md) says what a machine needs, and where
else it runs: JupyterHub, Binder, Codespaces, one shared AWS account.
"""
_CODE = """# The code behind the steps

The files that the course links to, as they stand in the repository.

```{{toctree}}
:maxdepth: 1
{files}
```
"""
_FILE = """# {name}

```{{literalinclude}} /raw/{name}
:language: {language}
```
"""


class Source:
    """What Sphinx reads, in a folder; the course's links lead to pages of the site."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code: dict[str, str] = {}  # a file of the repository → its page

    def write(self) -> None:
        """Write the whole of it."""
        shutil.copytree(ROOT / "images", self.folder / "images")
        stored = sorted((ROOT / "notebooks").glob("*.ipynb"))
        for path in stored:
            self._put(path.name, json.dumps(self._notebook(path)))
        intro, how = readme()
        lessons = "\n".join(path.stem for path in stored if path.stem != "answers")
        for path in sorted((ROOT / "notebooks").glob("*.md")):
            self._put(path.name, self._linked(path.read_text("utf-8"), "notebooks"))
        self._put(
            "index.md", self._linked(_INDEX.format(readme=intro, lessons=lessons))
        )
        self._put("run.md", self._linked(_RUN.format(readme=how)))
        files = "\n".join(sorted(self.code.values()))
        self._put("code.md", _CODE.format(files=files))

    def _notebook(self, path: Path) -> dict[str, Any]:
        notebook = json.loads(path.read_text("utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = self._linked("".join(cell["source"]), "notebooks")
            else:
                cell["source"] = copies.to_run("".join(cell["source"]))
                cell["outputs"] = [*_read_without_running(cell["outputs"])]
        return notebook

    def _linked(self, text: str, place: str = "") -> str:
        """Lead the links of a text that stands in a folder of the repository."""

        def ours(link: re.Match[str]) -> str:
            return link[1] + self._page(posixpath.normpath(f"{place}/{link[2]}"))

        return copies.LINK.sub(ours, text)

    def _page(self, name: str) -> str:
        """Return the page of a file of the repository; code gets a page by this."""
        name = name.lstrip("/")
        if name.startswith("images/"):
            return name
        if posixpath.dirname(name) == "notebooks":
            return posixpath.basename(name)
        if name not in self.code:
            self.code[name] = f"code/{name.replace('/', '-')}"
            language = _LANGUAGES.get(posixpath.splitext(name)[1], "text")
            text = (ROOT / name).read_text("utf-8")
            self._put(f"raw/{name}", text)
            page = _FILE.format(name=name, language=language)
            self._put(f"{self.code[name]}.md", page)
        return f"{self.code[name]}.md"

    def _put(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def readme() -> tuple[str, str]:
    """Cut the README: what the course is, and how to run it."""
    text = (ROOT / "README.md").read_text("utf-8")
    top, _, _ = text.partition("\n## ")
    intro, fence, how = top.partition("```sh")
    return intro, fence + how


def _read_without_running(outputs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Leave progress bars out, and say of a widget that it takes a running notebook."""
    for output in outputs:
        data = output.get("data", {})
        text = "".join(data.get("text/plain", ""))
        if _WIDGET not in data:
            yield output
        elif not _PROGRESS.search(text) and "text/html" not in data:
            words = f"({text.partition('(')[0]}: works in a running notebook)"
            yield output | {"data": {"text/plain": words}}


def build() -> None:
    """Build the site anew, each warning an error."""
    tools = BUILD / "pages-tools"
    if not environment.is_ready(tools, [_REQUIREMENTS]):
        print("Installing Sphinx for the pages (once, about a minute) …", flush=True)
        wanted = ["--requirement", str(_REQUIREMENTS)]
        environment.make(tools, wanted, [_REQUIREMENTS], ["sphinx", "myst_nb"])
    with tempfile.TemporaryDirectory() as folder:
        source, site = Path(folder, "source"), Path(folder, "site")
        Source(source).write()
        options = ["-q", "-W", "--keep-going", "-c", str(HERE), "-d", f"{site}-trees"]
        command = [str(environment.python(tools)), "-m", "sphinx", *options]
        command += [str(source), str(site)]
        subprocess.run(command, env=environment.isolated(), check=True)
        shutil.rmtree(PAGES, ignore_errors=True)
        shutil.move(site, PAGES)


class _Links(HTMLParser):
    """What a page leads to, and the places in it that a link can name."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.to: list[str] = []
        self.places: set[str] = set()
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.to.append(value)
            elif name in ("id", "name") and value:
                self.places.add(value)


def broken(pages: Path = PAGES) -> list[str]:
    """List every link within the site that leads nowhere, as "page → link"."""
    found = {path.resolve(): _Links(path) for path in _written(pages)}
    return [
        f"{page.relative_to(pages.resolve())} → {link}"
        for page, links in found.items()
        for link in dict.fromkeys(links.to)
        if not _leads(page, link, found)
    ]


def fetched(pages: Path = PAGES) -> list[str]:
    """List what a page would load from elsewhere: it is to be read offline, too."""
    loads = re.compile(r"""<(?:script|img|link)\b[^>]*(?:src|href)="(https?:[^"]+)""")
    return [
        f"{page.name} → {link}"
        for page in _written(pages)
        for link in loads.findall(page.read_text("utf-8"))
    ]


def _written(pages: Path) -> list[Path]:
    """List the pages; the theme leaves some of its templates beside them."""
    every = sorted(pages.rglob("*.html"))
    return [path for path in every if "_static" not in path.parts]


def _leads(page: Path, link: str, pages: dict[Path, _Links]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True  # outside, or the picture itself
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return False
    places = pages[target].places if target in pages else set()
    return not parts.fragment or unquote(parts.fragment) in places


def main() -> int:
    """Build, follow every link, and say where the first page is."""
    try:
        build()
    except (environment.SetUpError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    wrong = [*broken(), *fetched()]
    for line in wrong:
        print(f"Leads nowhere, or off the site: {line}", file=sys.stderr)
    print(f"The course to read: {PAGES / 'index.html'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
