"""The schema is what the types say; what builds write validates; and the shape only grows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from modelyard.contract.report import BuildReport, CandidateOutcome
from modelyard.report import schema

REPORTS = sorted((Path(__file__).parent / "reports").glob("*.json"))


def read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text())
    return content


@pytest.fixture(scope="module")
def committed(root: Path) -> dict[str, Any]:
    return read(root / schema.FILE)


def test_the_committed_schema_is_the_generated_one(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert schema.main(["--check", str(root / schema.FILE)]) == 0, capsys.readouterr().err


def test_a_schema_that_differs_is_told_and_can_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "schema.json"
    assert schema.main(["--check", str(file)]) == 1
    assert "run `make crds`" in capsys.readouterr().err
    assert schema.main([str(file)]) == 0
    assert schema.main(["--check", str(file)]) == 0


@pytest.mark.parametrize("file", REPORTS, ids=lambda file: file.stem)
def test_a_report_of_a_real_build_validates(committed: dict[str, Any], file: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(committed)
    jsonschema.validate(read(file), committed, cls=jsonschema.Draft202012Validator)


def test_what_is_no_report_does_not_validate(committed: dict[str, Any]) -> None:
    report = read(REPORTS[0])
    for broken in ({**report, "schemaVersion": 2}, {**report, "machine": None}, report | {"candidates": [{}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, committed, cls=jsonschema.Draft202012Validator)


def test_every_field_is_described(committed: dict[str, Any]) -> None:
    described = {path: field.get("description") or field.get("$ref") for path, field in fields(committed)}
    assert [path for path, words in described.items() if not words] == []


def fields(node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every field of every type with its place."""
    for name, kind in {"BuildReport": node, **node["$defs"]}.items():
        yield name, kind
        yield from ((f"{name}.{field}", content) for field, content in kind.get("properties", {}).items())


def test_a_field_of_a_later_version_is_passed_over(minilm: BuildReport, committed: dict[str, Any]) -> None:
    later = json.loads(minilm.to_json())
    later["fromLater"] = {"a": 1}
    later["candidates"][0]["fromLater"] = later["machine"]["fromLater"] = 1
    jsonschema.validate(later, committed, cls=jsonschema.Draft202012Validator)
    assert BuildReport.model_validate_json(json.dumps(later)) == minilm


def test_a_report_of_an_older_version_is_read(older: BuildReport) -> None:
    assert (older.asked, older.chosen.gates) == (None, ())
    assert older.chosen.parity is not None
    assert older.chosen.parity.distribution is None


@pytest.mark.parametrize("outcome", [CandidateOutcome.SLOWER, CandidateOutcome.FAILED])
def test_a_report_that_chose_none_is_none(minilm: BuildReport, outcome: CandidateOutcome) -> None:
    forged = json.loads(minilm.to_json())
    for candidate in forged["candidates"]:
        candidate["outcome"] = outcome
    with pytest.raises(ValidationError, match="0 candidates are chosen"):
        BuildReport.model_validate(forged)


def test_a_report_that_chose_another_than_its_artifact_is_none(minilm: BuildReport) -> None:
    forged = json.loads(minilm.to_json()) | {"engine": "TensorRT"}
    with pytest.raises(ValidationError, match="the artifact is TensorRT"):
        BuildReport.model_validate(forged)
