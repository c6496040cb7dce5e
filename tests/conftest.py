"""Settings that every test shares; what a group of tests needs stands beside it."""

from pathlib import Path

import pytest
from hypothesis import settings

# Two busy cores make a property slow now and then; the figures of a run do not depend on when it ran.
settings.register_profile("modelyard", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("modelyard")


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the checkout."""
    return Path(__file__).resolve().parents[1]
