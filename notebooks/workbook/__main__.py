"""`thumbnail-workbook …`: the course, a class, and what `python -m deploy` does."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from deploy import __main__ as deploying
from workbook import launcher
from workbook.classroom import commands as classroom


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; an error is one sentence on stderr and exit code 1."""
    parser = argparse.ArgumentParser("thumbnail-workbook", description=__doc__)
    commands = deploying.add_commands(parser)
    launcher.add_commands(commands)
    classroom.add_commands(commands)
    return deploying.run(parser, argv)


if __name__ == "__main__":
    sys.exit(main())
