"""``modelyard-server`` in the Triton image; ``python -m modelyard_runtime.server`` elsewhere."""

from __future__ import annotations

import logging
import sys

from modelyard_runtime.server.command import options_of
from modelyard_runtime.server.supervisor import Supervisor


def main() -> int:
    """Serve as the command line says. Returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    return Supervisor(options_of()).run()


if __name__ == "__main__":
    sys.exit(main())
