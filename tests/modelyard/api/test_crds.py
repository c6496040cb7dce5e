"""The CRDs are what the types say, and what a person sees in kubectl."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.api import generate


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every field's schema with its path."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from nodes(field, f"{path}.{name}")
    if isinstance(items := schema.get("items"), dict):
        yield from nodes(items, f"{path}[]")


@pytest.fixture(scope="module")
def schemas(root: Path) -> dict[str, dict[str, Any]]:
    found = [yaml.safe_load(file.read_text()) for file in sorted(root.glob("crds/*.yaml"))]
    return {crd["spec"]["names"]["kind"]: crd for crd in found}


def test_committed_crds_are_the_generated_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("kind", ["OptimizedModel", "ModelBuild"])
def test_every_field_is_described(schemas: dict[str, dict[str, Any]], kind: str) -> None:
    (version,) = schemas[kind]["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    silent = [
        path
        for part in ("spec", "status")
        for path, field in nodes(schema["properties"][part], f".{part}")
        if not field.get("description")
    ]
    assert silent == []


@pytest.mark.parametrize("kind", ["OptimizedModel", "ModelBuild"])
def test_every_list_says_how_it_is_merged(schemas: dict[str, dict[str, Any]], kind: str) -> None:
    (version,) = schemas[kind]["spec"]["versions"]
    lists = [
        (path, field.get("x-kubernetes-list-type"))
        for path, field in nodes(version["schema"]["openAPIV3Schema"])
        if field.get("type") == "array"
    ]
    assert lists
    assert [path for path, kind_of_list in lists if kind_of_list is None] == []


def test_kubectl_get_shows_what_matters(schemas: dict[str, dict[str, Any]]) -> None:
    (version,) = schemas["OptimizedModel"]["spec"]["versions"]
    names = [column["name"].upper() for column in version["additionalPrinterColumns"] if not column.get("priority")]
    assert names == ["PHASE", "STABLE", "TARGET", "WEIGHT", "ENGINE", "PRECISION", "SPEEDUP", "READY", "AGE"]
    assert set(version["subresources"]) == {"status", "scale"}
    assert schemas["OptimizedModel"]["spec"]["names"]["shortNames"] == ["om"]
    assert schemas["ModelBuild"]["spec"]["names"]["shortNames"] == ["mb"]
