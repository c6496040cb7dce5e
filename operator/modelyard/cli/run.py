"""``modelyard run``: the operator."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelyard.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the settings' file."""
    parser.add_argument(
        "--settings",
        type=Path,
        help="the settings file (default: $MODELYARD_SETTINGS, else /etc/modelyard/settings.json)",
    )


def run(args: argparse.Namespace) -> int:
    """Run until a signal comes or the lease is lost; return the exit code."""
    from modelyard import telemetry
    from modelyard.settings import pod_identity, settings_from_file, settings_path

    settings = settings_from_file(args.settings or settings_path())
    namespace, identity = pod_identity()
    telemetry.configure(settings.log_level)
    return asyncio.run(_run(settings, namespace, identity))


async def _run(settings: Settings, namespace: str, identity: str) -> int:
    from modelyard.operator import run_operator

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):  # until we lead: then Kopf takes them
        loop.add_signal_handler(number, stop.set)
    return await run_operator(settings, namespace=namespace, identity=identity, stop=stop)
