"""Settings that every test shares; what a group of tests needs stands beside it."""

from pathlib import Path

import pytest
from hypothesis import settings

# Two busy cores make a property slow now and then; the figures of a run do not depend on when it ran.
settings.register_profile("modelyard", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("modelyard")


LONGEST = (
    "test_embedder",
    "test_conversion",
    "test_switch",
    "test_faults_building",
    "test_faults_serving",
)
"""Files that are begun first where several run side by side: whoever is last is waited for."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; within a file the order stays."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the checkout."""
    return Path(__file__).resolve().parents[1]
