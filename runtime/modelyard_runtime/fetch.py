"""The first step: the files of the model and of adapters onto the scratch volume, verified. Runs no code of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
from modelyard.wording import of_adapter
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.handover import Fetched, Scratch
from modelyard_runtime.models.adapters import read_adapter
from modelyard_runtime.models.folder import check_whole
from modelyard_runtime.outage import Patience
from modelyard_runtime.progress import Advance, Journal
from modelyard_runtime.sources.digest import folder_digest
from modelyard_runtime.sources.wanted import ADAPTER, MODEL, Wanted


def run(request: BuildRequest, scratch: Scratch, journal: Journal, *, adapter: str = "") -> None:
    """Fetch the model, or the adapter of this name, check that it is whole, and note it. Raises BuildFailed."""
    if adapter:
        asked = next(one for one in request.adapters if one.name == adapter)
        with _of_adapter(adapter), journal.stage(f"fetch {adapter}") as advance:
            fetched = _fetched(asked.files, scratch.adapters / adapter, ADAPTER, journal, advance)
            read_adapter(scratch.adapters / adapter, adapter)
        note = scratch.adapter_fetched(adapter)
    else:
        with journal.stage("fetch") as advance:
            fetched = _fetched(request.source, scratch.source, MODEL, journal, advance)
            check_whole(scratch.source)
        journal.log.update(source_digest=fetched.digest)
        scratch.serve.mkdir(exist_ok=True)  # the sidecar starts next and wants its repository
        note = scratch.fetched
    note.write_text(fetched.model_copy(update={"stages": tuple(journal.timings)}).to_json())


def _fetched(source: SourceFiles, folder: Path, wanted: Wanted, journal: Journal, advance: Advance) -> Fetched:
    """Have the files of a place in ``folder``."""
    started_at = datetime.now(UTC)
    folder.mkdir(parents=True, exist_ok=True)
    ref = Patience.of_environment(journal).wait_out(partial(_place, source, folder, advance, wanted))
    digest, size = folder_digest(folder)
    return Fetched(kind=source.kind, ref=ref, digest=digest, size=size, started_at=started_at)


@contextmanager
def _of_adapter(name: str) -> Iterator[None]:
    """Say of a failure that it is an adapter's."""
    try:
        yield
    except BuildFailed as failed:
        raise BuildFailed(failed.reason, of_adapter(name, str(failed))) from failed


def _place(source: SourceFiles, destination: Path, advance: Advance, wanted: Wanted) -> str:
    """Fetch from wherever the source is, and return that; only that place's client is imported."""
    match source:
        case HuggingFaceFiles():
            from modelyard_runtime.sources.huggingface import download_model

            return download_model(source, destination, advance, wanted)
        case ObjectStoreFiles(url=url) if scheme_of(url) == "file":
            from modelyard_runtime.sources.folder import copy_from_folder

            return copy_from_folder(url, destination, advance, wanted)
        case ObjectStoreFiles():
            from modelyard_runtime.sources.objectstore import download_folder

            return download_folder(source, destination, advance, wanted)
        case OciFiles():
            from modelyard_runtime.sources.oci import pull_model

            return pull_model(source, destination, advance, wanted)
        case VolumeFiles():
            from modelyard_runtime.sources.volume import copy_from_volume

            return copy_from_volume(source, destination, advance, wanted)
