"""A cluster description of a test's own: nothing of it is started unless the test does."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from tests.cluster.settings import Cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """A cluster that is not up."""
    return Cluster(folder=tmp_path / "cluster", cache=tmp_path / "cache", network=IPv4Network("10.213.0.0/16"))
