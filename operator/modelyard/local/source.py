"""Where a model's files are, for a build on this machine: asked with the credentials of whoever runs it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from modelyard.api.source import FilesSource, HuggingFaceSource, ObjectStoreSource, OciSource, Source
from modelyard.contract.request import HuggingFaceFiles, ObjectStoreFiles, OciFiles, SourceFiles
from modelyard.errors import ModelyardError
from modelyard.hub import Hub
from modelyard.oci.client import Repository
from modelyard.oci.credentials import credentials_for
from modelyard.oci.errors import RegistryError
from modelyard.oci.reference import Reference
from modelyard.pins import FilesPin, HuggingFacePin, ObjectStorePin, OciPin
from modelyard.state.observed import PinFailed

PUBLIC_HUB = "https://huggingface.co"


class NoSource(ModelyardError):
    """The model can't be had from this machine. Says why, and the fix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A source pinned, as the build's key names it and as ``fetch`` reads it."""

    pin: FilesPin
    files: SourceFiles


def located(source: Source, *, plain_http: bool) -> Located:
    """Pin a model. ``plain_http``: its registry is asked without TLS. Raises NoSource."""
    if source.artifact:
        raise NoSource("spec.source names an artifact, which is built already; `modelyard pull` has its files")
    return located_files(source, plain_http=plain_http)


def located_files(source: FilesSource, *, plain_http: bool) -> Located:
    """Pin the files of a model or of an adapter. Raises NoSource."""
    given = [name for name in FilesSource.model_fields if getattr(source, name) is not None]
    if len(given) != 1:
        raise NoSource("a source must have exactly one member: give huggingFace, objectStore or oci")
    if source.hugging_face:
        return _hugging_face(source.hugging_face)
    if source.oci:
        return _oci(source.oci, plain_http=plain_http)
    if source.object_store:
        return _object_store(source.object_store)
    fix = "name the folder in objectStore.url, as file:///FOLDER/"
    raise NoSource(f"the source is a claim of a cluster, and this machine has none; {fix}")


def of_folder(folder: Path) -> Located:
    """Return a folder of this machine as a source."""
    url = f"{folder.as_uri()}/"
    return Located(pin=ObjectStorePin(url=url), files=ObjectStoreFiles(url=url))


def _hugging_face(source: HuggingFaceSource) -> Located:
    endpoint = os.environ.get("HF_ENDPOINT", PUBLIC_HUB)
    hub = Hub(endpoint=endpoint, token=os.environ.get("HF_TOKEN"))
    commit = asyncio.run(hub.commit(source.repo, source.revision))
    if isinstance(commit, PinFailed):
        raise NoSource(f"{commit.message} (here a token is taken from HF_TOKEN)")
    return Located(
        pin=HuggingFacePin(repo=source.repo, commit=commit, endpoint=endpoint),
        files=HuggingFaceFiles(repo=source.repo, revision=commit, endpoint=endpoint),
    )


def _oci(source: OciSource, *, plain_http: bool) -> Located:
    try:
        place = Reference.parse(source.ref)
        with Repository(place, plain_http=plain_http, credentials=credentials_for(place.registry)) as repository:
            found = repository.resolve(place.version)
    except RegistryError as error:
        fix = "log in with `docker login`, or for a registry without TLS add --plain-http"
        raise NoSource(f"{error}; {fix}") from error
    if found is None:
        raise NoSource(f"there is no {source.ref}; push it with `modelyard push FOLDER oci://...`")
    name = f"{place.registry}/{place.repository}"
    return Located(
        pin=OciPin(repository=name, digest=found.digest, plain_http=plain_http),
        files=OciFiles(ref=f"{name}@{found.digest}", plain_http=plain_http),
    )


def _object_store(source: ObjectStoreSource) -> Located:
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "") if source.url.startswith("s3://") else ""
    known = {"url": source.url, "revision": source.revision, "endpoint": endpoint}
    return Located(pin=ObjectStorePin(**known), files=ObjectStoreFiles(**known))
