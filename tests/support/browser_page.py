"""A real JupyterLab, and Notebook 7, in headless Chromium, as a learner has them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from support import programs

ROOT = Path(__file__).parents[2]
#: Kept after the run, to be looked at.
SCREENSHOTS = ROOT / ".local-cloud" / "screenshots"

# The last three keep Chromium from calling home, which a closed network refuses.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# What stands in the notebook, whether or not it is scrolled into sight.
_CELLS = """
return window.jupyterapp.shell.currentWidget.content.widgets
  .filter(cell => cell.model.type === "code")
  .map(cell => ({
    number: cell.model.executionCount,
    tags: cell.model.getMetadata("tags") || [],
    outputs: cell.model.outputs.toJSON(),
  }));
"""
# Before the kernel answers, "run all" would open a dialogue instead.
_READY = """
const panel = window.jupyterapp.shell.currentWidget;
const kernel = panel?.sessionContext?.session?.kernel;
return kernel?.connectionStatus === "connected" && kernel?.status === "idle";
"""
# Without waiting for the promise: it is kept until the kernel has answered.
# The box's file input is in no document, and a dialogue would be the desktop's own.
_DIALOGUE = """
document.getElementById("chosen")?.remove();
HTMLInputElement.prototype.click = function () {
  this.id = "chosen";
  document.body.appendChild(this);
};
"""
_CLEAR = """
const done = arguments[arguments.length - 1];
window.jupyterapp.commands.execute("notebook:clear-all-cell-outputs").then(done, done);
"""
# Outputs whose cells are wider than their place; a code cell wraps its lines.
_CUT_OFF = """
const panel = window.jupyterapp.shell.currentWidget.node;
const parts = ".jp-OutputArea-output :is(img, svg, table, td, pre, button), "
  + ".jp-RenderedMarkdown img";
return [...panel.querySelectorAll(parts)].filter(part => {
  const place = part.closest(".jp-OutputArea-output, .jp-RenderedMarkdown");
  const box = part.getBoundingClientRect();
  return box.width && box.right > place.getBoundingClientRect().right + 1;
}).map(part => {
  const text = part.innerText || part.alt || part.textContent;
  return part.tagName + ": " + text.slice(0, 40);
});
"""
_WIDGETS = "window.jupyterapp.shell.currentWidget.content.widgets"
_SCROLL = """
window.jupyterapp.shell.currentWidget.content.scrollToItem(arguments[0], "start");
"""
#: 1280 × 720 at 150 % has 853 × 480 points.
PROJECTOR = {"width": 853, "height": 480, "deviceScaleFactor": 1.5, "mobile": False}
_SHOWN = "window.jupyterapp.shell.currentWidget.content"
_FIND = f"""
return {_SHOWN}.widgets.findIndex(cell => cell.model.type === "code"
  && cell.model.sharedModel.source.includes(arguments[0]));
"""
_RUN_ONE = f"""
const cell = {_SHOWN}.widgets[arguments[0]];
cell.model.clearExecution();
{_SHOWN}.activeCellIndex = arguments[0];
window.jupyterapp.commands.execute("notebook:run-cell");
"""
_OUTPUT_OF = f"""
const cell = {_SHOWN}.widgets[INDEX];
const done = cell.model.executionCount && cell.prompt !== "*";
return done && JSON.stringify(cell.model.outputs.toJSON());
"""
_RUN_ABOVE = f"""
{_SHOWN}.activeCellIndex = arguments[0];
window.jupyterapp.commands.execute("notebook:run-all-above");
"""
_CELLS_ABOVE = f"""
return {_SHOWN}.widgets.slice(0, index)
  .filter(cell => cell.model.type === "code")
  .every(cell => cell.model.executionCount && cell.prompt !== "*");
"""
_WRITE = f"""
{_SHOWN}.widgets[arguments[0]].model.sharedModel.setSource(arguments[1]);
"""
_RESTART = """
window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart();
"""
_RUN_ALL = 'window.jupyterapp.commands.execute("notebook:run-all-cells");'


class View:
    """What a browser shows: waited for, and kept as a picture."""

    def __init__(self, browser: webdriver.Chrome, name: str) -> None:
        self.browser, self.name = browser, name

    def until(self, script: str, seconds: float = 60, *, wanted: object = None) -> Any:
        """Wait until a script returns something true, or what is wanted."""
        deadline = time.monotonic() + seconds
        while True:
            value = self.browser.execute_script(script)
            if value and wanted in (None, value):
                return value
            if time.monotonic() > deadline:
                self.screenshot("timeout")
                waited = f"waited {seconds:.0f} s for {script}"
                raise TimeoutError(f"{self.name}: {waited}, which is {value!r}")
            time.sleep(0.05)

    def screenshot(self, what: str) -> Path:
        """Keep what is seen now."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{Path(self.name).stem}-{what}.png"
        self.browser.save_screenshot(str(path))
        return path


class Page(View):
    """One notebook, open in a browser."""

    def __init__(
        self, browser: webdriver.Chrome, url: str, name: str, folder: str = "notebooks"
    ) -> None:
        super().__init__(browser, name)
        browser.get(f"{url}/{folder}/{quote(name)}?reset")
        self.until("return !!window.jupyterapp")
        self.until(_READY)

    def run_all(self, seconds: float = 180) -> list[dict[str, Any]]:
        """Run every cell, wait for the last, and return the code cells."""
        self.browser.execute_async_script(_CLEAR)
        self.browser.execute_script(_RUN_ALL)
        self.until(f"return (() => {{{_CELLS}}})().every(cell => cell.number)", seconds)
        return self.cells()

    def cells(self) -> list[dict[str, Any]]:
        """Return number, tags and outputs of every code cell."""
        return self.browser.execute_script(_CELLS)

    def errors(self) -> list[str]:
        """Return every error that no cell announces."""
        return [
            output.get("evalue", "")
            for cell in self.cells()
            for output in cell["outputs"]
            if output["output_type"] == "error"
            and "raises-exception" not in cell["tags"]
        ]

    def find(self, text: str) -> int:
        """Return the index of the first code cell that contains a text."""
        return self.browser.execute_script(_FIND, text)

    def run(self, index: int) -> str:
        """Run one cell, as by Shift + Enter, and return its outputs as JSON."""
        self.browser.execute_script(_RUN_ONE, index)
        return self.until(_OUTPUT_OF.replace("INDEX", str(index)))

    def run_above(self, index: int) -> None:
        """Run every cell above one."""
        self.browser.execute_script(_RUN_ABOVE, index)
        self.until(f"const index = {index};{_CELLS_ABOVE}", 180)

    def write(self, index: int, source: str) -> None:
        """Put other words into a cell."""
        self.browser.execute_script(_WRITE, index, source)

    def restart(self) -> None:
        """Restart the kernel, as Kernel ▸ Restart Kernel does."""
        self.browser.execute_script(_RESTART)
        self.until(_READY)

    def choose_file(self, path: Path) -> None:
        """Click the upload box and choose a file, as in the browser's dialogue."""
        self.browser.execute_script(_DIALOGUE)
        button = self.browser.find_element(By.CSS_SELECTOR, "button.jupyter-button")
        self.browser.execute_script("arguments[0].click()", button)
        self.browser.find_element(By.ID, "chosen").send_keys(str(path))

    def cut_off(self) -> list[str]:
        """Scroll through the notebook on a projector; return what is cut off."""
        metrics = "Emulation.setDeviceMetricsOverride"
        self.browser.execute_cdp_cmd(metrics, PROJECTOR)
        found: list[str] = []
        try:
            for number in range(
                self.browser.execute_script(f"return {_WIDGETS}.length")
            ):
                self.browser.execute_script(_SCROLL, number)
                time.sleep(0.15)  # the notebook draws what came into sight
                found += self.browser.execute_script(_CUT_OFF)
        finally:
            self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        return found

    def scroll_to(self, selector: str) -> None:
        """Bring what matches into the middle of the window."""
        self.browser.execute_script(
            "document.querySelector(arguments[0])?.scrollIntoView({block: 'center'})",
            selector,
        )
        time.sleep(0.5)  # the notebook draws what came into sight


#: Where each application shows a notebook.
_PATHS = {"jupyterlab": "lab/tree", "notebook": "notebooks"}


@contextmanager
def serving(application: str, home: Path) -> Iterator[str]:
    """Serve a copy of the notebooks; yield what their addresses begin with.

    The local cloud is the test run's own (see conftest.py).
    """
    from workbook import launcher  # here: every run of pytest reads this file, few this

    shutil.copytree(ROOT / "notebooks", home / "notebooks")
    shutil.copytree(ROOT / "images", home / "images")  # a link is not served
    port = free_port()
    command = [sys.executable, "-m", application, "--no-browser", "--allow-root"]
    options = [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
        f"--ServerApp.root_dir={home}",
    ]
    ours = {"HOME": str(home), "JUPYTER_CONFIG_PATH": str(launcher.CONFIGURATION)}
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, *options],
            cwd=ROOT,
            env=os.environ | ours,
            stdout=log,
            stderr=log,
        )
        url = f"http://127.0.0.1:{port}"
        wait_for(url, home / "log")
        yield f"{url}/{_PATHS[application]}"
        process.terminate()
        process.wait(20)


@dataclass(frozen=True)
class Launched:
    """A Lab that `thumbnail-workbook lab` started in a checkout."""

    checkout: Path
    url: str
    environment: dict[str, str]

    def run(self, *command: str) -> str:
        """Run a command in the checkout; return what it prints."""
        place = {"cwd": self.checkout, "env": self.environment}
        return programs.run(*command, **place, check=True).stdout

    def workbook(self, *command: str) -> str:
        """Run one of the commands of `thumbnail-workbook`."""
        return self.run(sys.executable, "-m", "workbook", *command)


def new_checkout(folder: Path) -> Path:
    """Copy what git tracks, or would, into a repository of its own."""
    folder.mkdir(parents=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = programs.run(*listed, cwd=ROOT, check=True)
    for name in filter(None, names.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    author = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run(["git", *author, *command], cwd=folder, check=True)
    return folder


@contextmanager
def launched(checkout: Path, **more: str) -> Iterator[Launched]:
    """Start `thumbnail-workbook lab` in a checkout, as its user does; end its cloud."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WORKBOOK_")}
    code = os.pathsep.join([str(checkout), str(checkout / "notebooks")])
    pips = Path(os.environ.get("PIP_CACHE_DIR") or Path.home() / ".cache" / "pip")
    own = {"PYTHONPATH": code, "HOME": str(checkout.parent), "PIP_CACHE_DIR": str(pips)}
    port, log = free_port(), checkout.parent / "log"
    url = f"http://127.0.0.1:{port}"
    lab = Launched(checkout, url, kept | own | more)
    options = [f"--port={port}", "--IdentityProvider.token="]
    options += ["--LabApp.expose_app_in_browser=True"]
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "workbook", "lab", "--no-browser", "--", *options],
            cwd=checkout,
            env=lab.environment,
            stdout=output,
            stderr=output,
        )
        wait_for(url, log)
        try:
            yield lab
        finally:
            process.terminate()
            process.wait(20)
            lab.workbook("local", "stop")


@pytest.fixture(scope="session")
def launched_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """The launcher's Lab in a checkout of its own."""
    with launched(new_checkout(tmp_path_factory.mktemp("user") / "checkout")) as lab:
        lab.workbook("local", "setup")  # as `make lab` does
        yield lab


@pytest.fixture(scope="session")
def lab_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab."""
    with serving("jupyterlab", tmp_path_factory.mktemp("lab")) as url:
        yield url


@pytest.fixture(scope="session")
def notebook_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Notebook 7."""
    with serving("notebook", tmp_path_factory.mktemp("notebook")) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[webdriver.Chrome]:
    """Headless Chromium, tall enough to see a whole section."""
    browser = chromium()
    browser.set_window_size(1280, 1600)
    yield browser
    browser.quit()


def chromium() -> webdriver.Chrome:
    """Start headless Chromium."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("no Chromium here; Debian: apt install chromium chromium-driver")
    options = Options()
    for flag in FLAGS:
        options.add_argument(flag)
    options.binary_location = shutil.which("chromium") or ""
    service = Service(shutil.which("chromedriver"))
    return webdriver.Chrome(options=options, service=service)


def prefer(browser: webdriver.Chrome, scheme: str) -> None:
    """Let pages see a system that is "light" or "dark"; its own again with ""."""
    features = [{"name": "prefers-color-scheme", "value": scheme}] if scheme else []
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url: str, log: Path, seconds: float = 60) -> None:
    """Wait until JupyterLab answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + seconds
    while True:
        try:
            with opener.open(f"{url}/api"):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(log.read_text()) from None
            time.sleep(0.2)
