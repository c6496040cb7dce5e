"""The lineage: an in-toto statement with SLSA's provenance, by the field names and rules of both specifications."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from modelyard.contract.choices import Candidate, Engine, Precision
from modelyard.contract.report import AdapterReport, ArtifactRef, BuildReport
from modelyard.contract.request import (
    AdapterFiles,
    BuildRequest,
    Destination,
    HuggingFaceFiles,
    ObjectStoreFiles,
    OciFiles,
    ParityGate,
    SourceFiles,
    VolumeFiles,
)
from modelyard.report.lineage import lineage_of, statement_of

ARTIFACT = ArtifactRef(repository="registry.example.com/search/m", digest="sha256:" + "a" * 64, size=1)
DIGEST = "sha256:" + "b" * 64
COMMIT = "c" * 40
STRING = {"type": "string", "minLength": 1}
RESOURCE = {
    "type": "object",
    "properties": {
        "name": STRING,
        "uri": STRING | {"pattern": "^[a-z][a-z0-9+.-]*:[^ ]+$"},
        "digest": {"type": "object", "minProperties": 1, "additionalProperties": {"pattern": "^[0-9a-f]+$"}},
        "mediaType": STRING,
    },
    "anyOf": [{"required": ["uri"]}, {"required": ["digest"]}, {"required": ["content"]}],
    "additionalProperties": False,
}
RESOURCES = {"type": "array", "minItems": 1, "items": RESOURCE}
TIME = STRING | {"pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"}


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    """Return the schema of an object that has no other fields."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


SPECIFICATION = closed(
    ["_type", "subject", "predicateType", "predicate"],
    _type={"const": "https://in-toto.io/Statement/v1"},
    subject={"type": "array", "minItems": 1, "items": RESOURCE | {"required": ["digest"]}},
    predicateType={"const": "https://slsa.dev/provenance/v1"},
    predicate=closed(
        ["buildDefinition", "runDetails"],
        buildDefinition=closed(
            ["buildType", "externalParameters"],
            buildType=STRING | {"pattern": "^https://"},
            externalParameters={"type": "object"},
            internalParameters={"type": "object"},
            resolvedDependencies=RESOURCES,
        ),
        runDetails=closed(
            ["builder"],
            builder=closed(
                ["id"],
                id=STRING | {"pattern": "^https://"},
                version={"type": "object", "additionalProperties": {"type": "string"}},
                builderDependencies=RESOURCES,
            ),
            metadata=closed([], invocationId=STRING, startedOn=TIME, finishedOn=TIME),
            byproducts=RESOURCES,
        ),
    ),
)
"""in-toto's Statement and ResourceDescriptor v1 and SLSA's Provenance v1, written down from their specifications."""


def request(source: SourceFiles) -> BuildRequest:
    return BuildRequest(
        name="0123456789abcdef",
        key="d" * 64,
        source=source,
        candidates=(Candidate(engine=Engine.ONNX_RUNTIME, precision=Precision.FP32),),
        parity=ParityGate(p1_cosine=0.999),
        destination=Destination(repository=ARTIFACT.repository, tag="0123456789abcdef"),
        images={
            "runtime": f"registry.example.com:5000/modelyard/runtime@{DIGEST}",
            "triton": "ghcr.io/modelyard/triton:0.1.0",
        },
    )


SOURCES: list[tuple[SourceFiles, str, dict[str, str]]] = [
    (
        HuggingFaceFiles(repo="org/Model", revision=COMMIT, endpoint="https://huggingface.co/"),
        f"pkg:huggingface/org/Model@{COMMIT}",
        {"gitCommit": COMMIT},
    ),
    (
        HuggingFaceFiles(repo="org/Model", revision=COMMIT, endpoint="https://hub.example.com"),
        f"pkg:huggingface/org/Model@{COMMIT}?repository_url=https%3A%2F%2Fhub.example.com",
        {"gitCommit": COMMIT},
    ),
    (
        OciFiles(ref=f"oci://registry.example.com:5000/models/minilm@{DIGEST}"),
        f"pkg:oci/minilm@sha256%3A{'b' * 64}?repository_url=registry.example.com%3A5000%2Fmodels%2Fminilm",
        {"sha256": "b" * 64},
    ),
    (VolumeFiles(path="a model/"), "pvc:a%20model/", {}),
    (ObjectStoreFiles(url="s3://models/a b/"), "s3://models/a%20b/", {}),
    (
        ObjectStoreFiles(url="az://models@acme.blob.core.windows.net/m"),
        "az://models@acme.blob.core.windows.net/m",
        {},
    ),
]


@pytest.mark.parametrize(("source", "uri", "digests"), SOURCES)
def test_it_is_a_statement_by_the_specifications(
    older: BuildReport, source: SourceFiles, uri: str, digests: dict[str, str]
) -> None:
    ref = source.url if isinstance(source, ObjectStoreFiles) else "pvc:a model/"
    read = older.source.model_copy(update={"kind": source.kind, "ref": ref, "digest": "sha256:" + "e" * 64})
    report = older.model_copy(update={"source": read})
    statement = json.loads(lineage_of(request(source), report, ARTIFACT))
    jsonschema.validate(statement, SPECIFICATION, cls=jsonschema.Draft202012Validator)
    found = statement["predicate"]["buildDefinition"]["resolvedDependencies"][0]
    assert found == {"name": "source", "uri": uri, "digest": {"modelyardFiles": "e" * 64, **digests}}


def test_what_was_merged_is_a_dependency_of_its_own(older: BuildReport) -> None:
    asked = request(SOURCES[0][0]).model_copy(
        update={"adapters": (AdapterFiles(name="support", scale=0.5, files=SOURCES[2][0]),)}
    )
    read = AdapterReport(name="support", scale=0.5, kind="oci", ref="r", digest="sha256:" + "f" * 64)
    report = older.model_copy(update={"source": older.source.model_copy(update={"adapters": (read,)})})
    definition = statement_of(asked, report, ARTIFACT)["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["adapters"][0]["scale"] == 0.5
    _, adapter, *images = definition["resolvedDependencies"]
    digests = {"modelyardFiles": "f" * 64, **SOURCES[2][2]}
    assert adapter == {"name": "adapter support", "uri": SOURCES[2][1], "digest": digests}
    assert len(images) == 2


def test_it_is_about_the_artifact_and_names_its_report(older: BuildReport) -> None:
    statement = statement_of(request(SOURCES[0][0]), older, ARTIFACT)
    assert statement["subject"] == [{"name": ARTIFACT.repository, "digest": {"sha256": "a" * 64}}]
    (report,) = statement["predicate"]["runDetails"]["byproducts"]
    assert report["digest"] == {"sha256": hashlib.sha256(older.to_json().encode()).hexdigest()}


def test_the_images_are_dependencies_with_the_digests_that_they_are_named_by(older: BuildReport) -> None:
    statement = statement_of(request(SOURCES[0][0]), older, ARTIFACT)
    _, runtime, triton = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert runtime["digest"] == {"sha256": "b" * 64}
    assert runtime["uri"].startswith("pkg:oci/runtime@sha256%3A")
    assert triton == {"name": "triton", "uri": "pkg:oci/triton?repository_url=ghcr.io%2Fmodelyard%2Ftriton&tag=0.1.0"}


def test_what_a_user_decides_is_told_and_where_it_goes_is_not(older: BuildReport) -> None:
    parameters = statement_of(request(SOURCES[0][0]), older, ARTIFACT)["predicate"]["buildDefinition"]
    asked = parameters["externalParameters"]
    assert asked["source"]["repo"] == "org/Model"
    assert asked["parity"] == {"p1Cosine": 0.999}
    assert set(asked) == {"source", "task", "candidates", "objective", "shapes", "parity"}  # no adapters, no dataset
    assert set(asked) & set(parameters["internalParameters"]) == set()


def test_times_are_in_utc_and_tools_have_their_versions(older: BuildReport) -> None:
    report = older.model_copy(update={"started_at": datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC)})
    details = statement_of(request(SOURCES[0][0]), report, ARTIFACT)["predicate"]["runDetails"]
    assert details["metadata"]["startedOn"] == "2026-01-02T03:04:05Z"
    assert details["builder"]["version"].items() >= older.versions.items()
    assert "modelyard" in details["builder"]["version"]


def test_the_same_inputs_give_the_same_bytes(older: BuildReport) -> None:
    asked = request(SOURCES[0][0])
    again = BuildReport.model_validate_json(older.to_json())
    assert lineage_of(asked, again, ARTIFACT) == lineage_of(asked, older, ARTIFACT)
