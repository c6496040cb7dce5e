"""``python -m modelyard``: the same as the command ``modelyard``."""

import sys

from modelyard.cli import main

sys.exit(main())
