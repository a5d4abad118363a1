"""A real JupyterLab, and Notebook 7, in headless Chromium, as a learner has them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
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
from support.programs import free_port, run, wait_for

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
#: 1280 × 720 at 150 % has 853 × 480 points.
PROJECTOR = {"width": 853, "height": 480, "deviceScaleFactor": 1.5}
#: A picture beside the notebook has come from the server.
DIAGRAM = "return document.querySelector('.jp-RenderedMarkdown img')?.naturalWidth > 0"
_SHOWN = "window.jupyterapp.shell.currentWidget.content"
_SHOW = f"{_SHOWN}.scrollToItem(arguments[0], 'start');"
_ACTIVATE = f"{_SHOWN}.activeCellIndex = arguments[0]; {_SHOWN}.activate();"
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
const cell = {_SHOWN}.widgets[arguments[0]].model.sharedModel;
cell.setSource(cell.source.replace(arguments[1], arguments[2]));
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

    def __init__(self, browser: webdriver.Chrome, folder: str, name: str) -> None:
        super().__init__(browser, name)
        browser.get(f"{folder}/{quote(name)}?reset")
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

    def write(self, index: int, new: str, *, over: str) -> None:
        """Put other words over some in a cell."""
        self.browser.execute_script(_WRITE, index, over, new)

    def show(self, index: int) -> None:
        """Scroll to a cell; what is out of sight is not in the page."""
        self.browser.execute_script(_SHOW, index)

    def press_in(self, index: int, *keys: str) -> None:
        """Go to a cell, and press keys together."""
        self.browser.execute_script(_ACTIVATE, index)
        self.browser.switch_to.active_element.send_keys("".join(keys))

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
        found: list[str] = []
        with screen(self.browser, **PROJECTOR):
            for number in range(self.until(f"return {_SHOWN}.widgets.length")):
                self.show(number)
                time.sleep(0.15)  # the notebook draws what came into sight
                found += self.browser.execute_script(_CUT_OFF)
        return found

    def scroll_to(self, selector: str) -> None:
        """Bring what matches into the middle of the window."""
        self.browser.execute_script(
            "document.querySelector(arguments[0])?.scrollIntoView({block: 'center'})",
            selector,
        )
        time.sleep(0.5)  # the notebook draws what came into sight


@dataclass(frozen=True)
class Launched:
    """A Lab that `thumbnail-workbook lab` started in a checkout."""

    checkout: Path
    url: str
    environment: dict[str, str]

    def page(self, browser: webdriver.Chrome, name: str) -> Page:
        """Open one of the learner's copies."""
        return Page(browser, f"{self.url}/lab/tree/work", name)

    def run(self, *command: str) -> str:
        """Run a command in the checkout; return what it prints."""
        place = {"cwd": self.checkout, "env": self.environment}
        return run(*command, **place, check=True).stdout

    def workbook(self, *command: str) -> str:
        """Run one of the commands of `thumbnail-workbook`."""
        return self.run(sys.executable, "-m", "workbook", *command)


def new_checkout(folder: Path) -> Path:
    """Copy what git tracks, or would, into a repository of its own."""
    folder.mkdir(parents=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = run(*listed, cwd=ROOT, check=True)
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
        wait_for(f"{url}/api", log)
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


@pytest.fixture
def notebook_7(tmp_path: Path) -> Iterator[str]:
    """Notebook 7 with a copy of the notebooks: what their addresses begin with.

    The local cloud is the test run's own (see conftest.py).
    """
    from workbook import launcher  # here: every run of pytest reads this file, few this

    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    shutil.copytree(ROOT / "images", tmp_path / "images")  # a link is not served
    url, log = f"http://127.0.0.1:{free_port()}", tmp_path / "log"
    options = [
        f"--ServerApp.port={url.rpartition(':')[2]}",
        "--IdentityProvider.token=",
        "--JupyterNotebookApp.expose_app_in_browser=True",
        f"--ServerApp.root_dir={tmp_path}",
    ]
    command = [sys.executable, "-m", "notebook", "--no-browser", "--allow-root"]
    ours = {"HOME": str(tmp_path), "JUPYTER_CONFIG_PATH": str(launcher.CONFIGURATION)}
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, *options],
            env=os.environ | ours,
            stdout=output,
            stderr=output,
        )
        wait_for(f"{url}/api", log)
        yield f"{url}/notebooks/notebooks"
        process.terminate()
        process.wait(20)


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


@contextmanager
def screen(browser: webdriver.Chrome, **metrics: float) -> Iterator[None]:
    """Let pages see a screen of these measures, and then the browser's own again."""
    set_screen = "Emulation.setDeviceMetricsOverride"
    browser.execute_cdp_cmd(set_screen, {"mobile": False} | metrics)
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def prefer(browser: webdriver.Chrome, scheme: str) -> None:
    """Let pages see a system that is "light" or "dark"; its own again with ""."""
    features = [{"name": "prefers-color-scheme", "value": scheme}] if scheme else []
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
