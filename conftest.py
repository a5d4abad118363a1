"""Fixtures that several test modules share; the tests' cloud is not the learner's.

At the top, as pytest reads it there for notebooks that are named by their path, too:
`pytest notebooks/11_cleanup.ipynb` would clean up the learner's own.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from deploy.local import server

pytest_plugins = [
    "support.aws_account",
    "support.bench",
    "support.browser_page",
    "support.local_cloud",
    "support.matrix",
    "support.moto_cloud",  # before those that import it
    "support.handler_cloud",
    "support.site",
]

# How long an example takes says how busy the machine is, no more.
settings.register_profile(
    "busy", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy")

# A shell has it ignored by what it runs in the background, and by their children.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Nothing of the learner's own AWS configuration may reach a test …
prefixes = ("AWS_", "WORKBOOK_")
theirs = {
    name: os.environ.pop(name) for name in [*os.environ] if name.startswith(prefixes)
}
ours = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
os.environ.update(ours)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes the fault matrix anew, and one for runs in a run."""
    says = "write tests/faults/MATRIX.md from what the tests see"
    parser.addoption("--write-matrix", action="store_true", help=says)
    says = "set a variable that this run would not take from its surroundings"
    parser.addoption(
        "--set", action="append", default=[], metavar="NAME=VALUE", help=says
    )


def pytest_configure(config: pytest.Config) -> None:
    """Give the notebooks' kernels a local cloud of their own, one a process (-n)."""
    if config.getoption("--aws"):  # … unless it is asked for
        if config.getoption("numprocesses", None):
            raise pytest.UsageError("--aws takes one process: leave -n out")
        for name in ours:
            del os.environ[name]
        os.environ.update(theirs)
    if _leaves_slow_out(config):
        config.option.markexpr = "not slow"
        config.stash[SLOW_IS_OUT] = True
    given = dict(pair.split("=", 1) for pair in config.getoption("--set"))
    os.environ.update(given)
    if "WORKBOOK_LOCAL_CLOUD" in given:
        return
    folder = Path(tempfile.mkdtemp(prefix="workbook-tests-"))
    os.environ["WORKBOOK_LOCAL_CLOUD"] = str(folder)
    config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))
    config.add_cleanup(partial(server.stop, folder))  # the last comes first


SLOW_IS_OUT = pytest.StashKey[bool]()
#: Who says them says which tests are meant, slow or not.
CHOICES = ("markexpr", "keyword", "lf", "aws", "write_matrix")


def _leaves_slow_out(config: pytest.Config) -> bool:
    """Tell whether folders are tested, no more is said: files and tests run whole."""
    if any(config.getoption(choice, None) for choice in CHOICES):
        return False
    folder = config.invocation_params.dir
    return all((folder / place).is_dir() for place in config.args)


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over what was imported, for all of the run."""
    gc.freeze()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say that slow tests were left out, and how to run them."""
    if SLOW_IS_OUT in config.stash:
        terminalreporter.write_line(
            "Slow tests were left out: name a file of them, or say -m slow; all of "
            "them: make slow."
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Test in a process more than there are processors (`-n logical`): some wait."""
    return (os.cpu_count() or 1) + 1


#: The last notebooks, and the answers, which mend all twelve labs.
SLOW_NOTEBOOKS = ("08_failures", "09_effects", "10_platform", "answers")
#: Files of tests that take long, the longest first: of the slow, then the quick part.
LONGEST = (
    *("test_notebooks", "test_environment", "test_launcher", "test_lab", "test_local"),
    *("test_aws_account", "test_codes", "test_kills", "test_copies_run", "test_bursts"),
    *("test_load", "test_standing", "test_edition", "test_memory", "test_uploads"),
    *("test_end_to_end", "test_fidelity", "07_watch", "test_checks", "test_disk"),
    *("test_rights", "test_tracing", "test_processes", "test_explain"),
    *("test_rows", "test_probe", "test_demo", "test_pause_local", "00_tour"),
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count the last notebooks as slow: `make test` has to stay under four minutes.

    That each exercise stands solved in the answers is looked at in the quick part, by
    what they stored (test_exercises). `make slow` runs them as the others, each on a
    fresh cloud (test_notebooks). Both begin with what takes longest: begun last, that
    would keep one processor while the other waits.
    """
    for item in items:
        if item.path.stem in SLOW_NOTEBOOKS:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.alone)
    last = len(LONGEST)
    ranks = {stem: rank for rank, stem in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, last))
