"""Settings that every test shares; what a group of tests needs stands beside it."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.candidates import told

# Two busy cores make a property slow now and then; the figures of a run do not depend on when it ran.
settings.register_profile("modelyard", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("modelyard")


FIRST = (
    "test_at_rest",
    "test_embedder",
    "test_conversion",
    "test_architectures",
    "test_switch",
    "test_faults_building",
    "test_faults_serving",
)
"""Files that are begun first: one that waits until what others left is gone, then the longest, so that nobody waits
for one that began last where several run side by side."""


LAST = "test_demo"
"""It takes away the registry that the others push to."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put those files first, and that one last; within a file the order stays."""
    order = {name: place for place, name in enumerate(FIRST)} | {LAST: len(FIRST) + 1}
    items.sort(key=lambda item: order.get(item.path.stem, len(FIRST)))


def pytest_report_header() -> str:
    """Say which engines this machine builds at which precision: what its CPU lacks is refused, and tested as that."""
    return told()


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the checkout."""
    return Path(__file__).resolve().parents[1]
