"""The record of an artifact's lineage: an in-toto Statement v1 with a SLSA Provenance v1 predicate. Not signed.

It says out of what, by what and when the artifact was made, in the fields that tools of the supply chain read.
Measurements stay in the report, which it names by digest. Source: in-toto/attestation, spec/v1/statement.md and
resource_descriptor.md; https://slsa.dev/spec/v1.0/provenance.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from modelyard import __version__
from modelyard.contract.report import AdapterReport, ArtifactRef, BuildReport, SourceReport
from modelyard.contract.request import BuildRequest, HuggingFaceFiles, OciFiles, SourceFiles
from modelyard.naming import canonical_json
from modelyard.oci.artifact import REPORT_TYPE
from modelyard.oci.client import digest_of

LINEAGE_TYPE = "application/vnd.in-toto.provenance+json"
"""in-toto's media type of a Statement about provenance."""
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
PREDICATE_ANNOTATION = "in-toto.io/predicate-type"
BUILD_TYPE = "https://modelyard.dev/build/v1"
BUILDER = "https://modelyard.dev/build-job/v1"
FILES_DIGEST = "modelyardFiles"
"""Our digest of a source's files: sha256, in hexadecimal, over the sorted lines ``path size sha256`` of those read."""
HUB = "https://huggingface.co"
RESERVED = ":/?#[]@!$&'()*+,;=%"
"""What has a meaning in a URI, and so stays as it is."""

Fields = dict[str, Any]


def statement_of(request: BuildRequest, report: BuildReport, artifact: ArtifactRef) -> Fields:
    """Return the statement on an artifact. report: as it is attached, so that its digest is the one named here.

    The request is what the operator asked; versions, times and the files' digest are what the conversion says.
    """
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": artifact.repository, "digest": _digests(artifact.digest)}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": _external(request),
                "internalParameters": {"name": request.name, "key": request.key},
                "resolvedDependencies": [*_sources(request, report), *_images(request)],
            },
            "runDetails": {
                "builder": {"id": BUILDER, "version": {"modelyard": __version__} | report.versions},
                "metadata": {"startedOn": _timestamp(report.started_at), "finishedOn": _timestamp(report.finished_at)},
                "byproducts": [
                    {
                        "name": "report.json",
                        "digest": _digests(digest_of(report.to_json().encode())),
                        "mediaType": REPORT_TYPE,
                    }
                ],
            },
        },
    }


def lineage_of(request: BuildRequest, report: BuildReport, artifact: ArtifactRef) -> bytes:
    """Return the statement as it is stored: equal inputs give equal bytes."""
    return canonical_json(statement_of(request, report, artifact)).encode()


def _external(request: BuildRequest) -> Fields:
    """Return what a user's spec decides of a build: all that is asked but where it goes and what runs it."""
    fields = request.model_dump(mode="json", by_alias=True, exclude_none=True)
    names = ("source", "adapters", "task", "candidates", "objective", "shapes", "parity", "dataset")
    return {name: fields[name] for name in names if fields.get(name)}


def _sources(request: BuildRequest, report: BuildReport) -> list[Fields]:
    """Return the model and what was merged into it."""
    read = {adapter.name: adapter for adapter in report.source.adapters}
    adapters = [_source(f"adapter {asked.name}", asked.files, read[asked.name]) for asked in request.adapters]
    return [_source("source", request.source, report.source), *adapters]


def _source(name: str, asked: SourceFiles, read: SourceReport | AdapterReport) -> Fields:
    """Return the files that were read: the place as a package URL where there is one, and the digests of it."""
    digests = {FILES_DIGEST: read.digest.removeprefix("sha256:")}
    if isinstance(asked, HuggingFaceFiles):
        endpoint = asked.endpoint.rstrip("/")
        elsewhere = "" if endpoint == HUB else f"?repository_url={quote(endpoint, safe='')}"
        uri = f"pkg:huggingface/{quote(asked.repo)}@{asked.revision.lower()}{elsewhere}"
        digests["gitCommit"] = asked.revision.lower()
    elif isinstance(asked, OciFiles):
        uri, pinned = _image(asked.ref.removeprefix("oci://"))
        digests |= pinned
    else:
        uri = quote(read.ref if ":" in read.ref else f"{read.kind}:{read.ref}", safe=RESERVED)
    return {"name": name, "uri": uri, "digest": digests}


def _images(request: BuildRequest) -> list[Fields]:
    """Return the images that built and measured, with their digests where they are named by one."""
    found = []
    for name, place in sorted(request.images.items()):
        uri, digests = _image(place)
        found.append({"name": name, "uri": uri} | ({"digest": digests} if digests else {}))
    return found


def _image(place: str) -> tuple[str, dict[str, str]]:
    """Return the package URL of ``HOST/REPOSITORY[:TAG][@DIGEST]``, and its digest if it is named by one."""
    whole, _, digest = place.partition("@")
    repository, tag = whole, ""
    if ":" in whole.rpartition("/")[2]:  # before the last slash, a colon begins a port
        repository, _, tag = whole.rpartition(":")
    name, version = quote(repository.rpartition("/")[2].lower()), f"@{quote(digest, safe='')}" if digest else ""
    tagged = f"&tag={quote(tag, safe='')}" if tag else ""
    uri = f"pkg:oci/{name}{version}?repository_url={quote(repository, safe='')}{tagged}"
    return uri, _digests(digest) if digest else {}


def _digests(digest: str) -> dict[str, str]:
    """Return ``sha256:<hex>`` as the set that in-toto has."""
    algorithm, _, value = digest.partition(":")
    return {algorithm: value}


def _timestamp(value: datetime) -> str:
    """Return a time as RFC 3339 in UTC, to the second."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
