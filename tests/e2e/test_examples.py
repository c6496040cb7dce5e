"""Every file of examples/ is what this version accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.api.model import OptimizedModelSpec
from tests.e2e.yard import Yard

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


def objects(path: Path) -> list[dict[str, Any]]:
    """Return the objects in a file."""
    return list(yaml.safe_load_all(path.read_text()))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_is_understood_by_the_operator(path: Path) -> None:
    models = [found for found in objects(path) if found["kind"] == "OptimizedModel"]
    assert models
    for model in models:
        spec = OptimizedModelSpec.model_validate(model["spec"])
        assert spec.to_dict().items() >= {"suspend": False}.items()


@pytest.mark.cluster
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_is_accepted_by_the_api_server(yard: Yard, path: Path) -> None:
    said = yard.cluster.run("apply", "--dry-run=server", f"--filename={path}")
    assert said.count("created (server dry run)") == len(objects(path))


def test_names_are_unique() -> None:
    names = [(found["kind"], found["metadata"]["name"]) for path in EXAMPLES for found in objects(path)]
    assert len(names) == len(set(names))
