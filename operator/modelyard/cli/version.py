"""``modelyard version``."""

from __future__ import annotations

import argparse

from modelyard import __version__


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Take none."""


def run(_args: argparse.Namespace) -> int:
    """Print the version."""
    print(__version__)
    return 0
