"""The first step: the model's files onto the scratch volume, verified. Runs no code of the model's."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from modelyard.contract.request import (
    BuildRequest,
    HuggingFaceFiles,
    ObjectStoreFiles,
    OciFiles,
    SourceFiles,
    VolumeFiles,
)
from modelyard.contract.stores import scheme_of
from modelyard_runtime.handover import Fetched, Scratch
from modelyard_runtime.models.folder import check_whole
from modelyard_runtime.outage import Patience
from modelyard_runtime.progress import Advance, Journal
from modelyard_runtime.sources.digest import folder_digest


def run(request: BuildRequest, scratch: Scratch, journal: Journal) -> None:
    """Fetch, check that the files are whole, and write ``source.json``. Raises BuildFailed."""
    started_at = datetime.now(UTC)
    scratch.source.mkdir(parents=True, exist_ok=True)
    scratch.serve.mkdir(exist_ok=True)  # the sidecar starts next and wants its repository
    with journal.stage("fetch") as advance:
        patience = Patience.of_environment(journal)
        ref = patience.wait_out(partial(_fetched, request.source, scratch.source, advance))
        check_whole(scratch.source)
        digest, size = folder_digest(scratch.source)
    journal.log.update(source_digest=digest)
    fetched = Fetched(
        kind=request.source.kind,
        ref=ref,
        digest=digest,
        size=size,
        stages=tuple(journal.timings),
        started_at=started_at,
    )
    scratch.fetched.write_text(fetched.to_json())


def _fetched(source: SourceFiles, destination: Path, advance: Advance) -> str:
    """Fetch from wherever the source is; only that place's client is imported."""
    match source:
        case HuggingFaceFiles():
            from modelyard_runtime.sources.huggingface import download_model

            return download_model(source, destination, advance)
        case ObjectStoreFiles(url=url) if scheme_of(url) == "file":
            from modelyard_runtime.sources.folder import copy_from_folder

            return copy_from_folder(url, destination, advance)
        case ObjectStoreFiles():
            from modelyard_runtime.sources.objectstore import download_folder

            return download_folder(source, destination, advance)
        case OciFiles():
            from modelyard_runtime.sources.oci import pull_model

            return pull_model(source, destination, advance)
        case VolumeFiles():
            from modelyard_runtime.sources.volume import copy_from_volume

            return copy_from_volume(source, destination, advance)
