"""`python -m tests.cluster VERB`. It only sees to it that the development environment is there."""

import sys

try:
    from tests.cluster.cli import main
except ModuleNotFoundError as error:
    sys.exit(f"{sys.executable} has no {error.name}\n  fix: make venv, then use .venv/bin/python")

sys.exit(main())
