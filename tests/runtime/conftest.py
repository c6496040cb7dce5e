"""A hub, a registry and a model's folder for the steps of a build."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.folders import model_folder
from tests.runtime.steps import Steps
from tests.servers.hub import Hub, running_hub
from tests.servers.registry import RunningRegistry, running_registry


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's folder, never written to."""
    return model_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture
def hub(model: Path) -> Iterator[Hub]:
    """A hub that has the model."""
    with running_hub(model, address="127.0.0.1") as hub:
        yield hub


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """A registry that lets everybody in."""
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    """Steps on a disk of this test's own."""
    return Steps(folder=tmp_path)
