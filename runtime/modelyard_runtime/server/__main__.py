"""``modelyard-server`` in the Triton image; ``python -m modelyard_runtime.server`` elsewhere."""

from __future__ import annotations

import logging
import sys

from modelyard_runtime.server.signals import SignalQueue


def main() -> int:
    """Serve as the command line says. Returns the exit code."""
    # Before numpy is imported, which takes a while: process 1 never hears of a signal that it has no handler for.
    signals = SignalQueue()
    from modelyard_runtime.server.command import options_of
    from modelyard_runtime.server.supervisor import Supervisor

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    return Supervisor(options_of(), signals).run()


if __name__ == "__main__":
    sys.exit(main())
