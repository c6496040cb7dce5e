"""A model pushed to a registry as an artifact, pinned by digest."""

from __future__ import annotations

from pathlib import Path

from modelyard.contract.request import OciFiles
from modelyard.contract.steps import BuildReason
from modelyard.oci.artifact import files_in, pull_file
from modelyard.oci.client import Repository
from modelyard.oci.credentials import credentials_for
from modelyard.oci.errors import NotFound, RegistryError, RegistryUnauthorized
from modelyard.oci.reasons import SOURCE_REASONS
from modelyard.oci.reference import Reference
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.progress import Advance
from modelyard_runtime.sources.space import check_room
from modelyard_runtime.sources.wanted import MODEL, Wanted


def pull_model(source: OciFiles, destination: Path, advance: Advance, files: Wanted = MODEL) -> str:
    """Pull the files that a build uses, and return the reference. Raises BuildFailed with what the registry said."""
    try:
        place = Reference.parse(source.ref)
        credentials = credentials_for(place.registry)
        with Repository(place, plain_http=source.plain_http, credentials=credentials) as repository:
            _, layers = files_in(repository, place.version)
            names = set(files.of(str(layer.title) for layer in layers))
            used = [layer for layer in layers if layer.title in names]
            size = sum(layer.size for layer in used)
            check_room(destination, size)
            pulled = 0

            def count(bytes_read: int) -> None:
                nonlocal pulled
                pulled += bytes_read
                advance(pulled / size)

            for layer in used:
                pull_file(repository, layer, destination, count)
    except RegistryUnauthorized as error:
        fix = "name a secret of type kubernetes.io/dockerconfigjson in spec.source.oci.pullSecretRef"
        raise BuildFailed(BuildReason.SOURCE_UNAUTHORIZED, f"{error}: {fix}") from error
    except NotFound as error:
        fix = "correct spec.source.oci.ref, or push the model there"
        raise BuildFailed(BuildReason.SOURCE_NOT_FOUND, f"{error}: {fix}") from error
    except RegistryError as error:
        raise BuildFailed(SOURCE_REASONS[type(error)], str(error)) from error
    return str(place)
