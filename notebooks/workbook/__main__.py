"""`thumbnail-workbook …`: open the course, and the commands of `python -m deploy`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from deploy import __main__ as deploying
from workbook import launcher


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; an error is one sentence on stderr and exit code 1."""
    parser = argparse.ArgumentParser("thumbnail-workbook", description=__doc__)
    launcher.add_commands(deploying.add_commands(parser))
    return deploying.run(parser, argv)


if __name__ == "__main__":
    sys.exit(main())
