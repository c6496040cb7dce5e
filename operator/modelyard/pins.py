"""What a generation leans on outside of its spec, pinned: sources, adapters, the user's texts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from modelyard.kept import Kept


class HuggingFacePin(Kept):
    """A repository at a commit (40 hex digits)."""

    kind: Literal["huggingFace"] = "huggingFace"
    repo: str
    commit: str
    endpoint: str
    token_secret: str | None = None
    token_key: str = "token"  # noqa: S105 - a key in a Secret, no secret


class OciPin(Kept):
    """A model folder by digest: ``repository`` without tag, ``digest`` as ``sha256:...``."""

    kind: Literal["oci"] = "oci"
    repository: str
    digest: str
    plain_http: bool = False
    pull_secret: str | None = None


class ObjectStorePin(Kept):
    """A folder of an object store, keyed as written; the Job records the digest that it read."""

    kind: Literal["objectStore"] = "objectStore"
    url: str
    revision: str = ""
    endpoint: str = ""
    credentials_secret: str | None = None


class ArtifactPin(Kept):
    """What a build made already: ``repository`` without tag, ``digest`` as ``sha256:...``."""

    kind: Literal["artifact"] = "artifact"
    repository: str
    digest: str
    plain_http: bool = False
    pull_secret: str | None = None

    @property
    def ref(self) -> str:
        """Return REGISTRY/REPOSITORY@DIGEST."""
        return f"{self.repository}@{self.digest}"


class PvcPin(Kept):
    """A folder of a claim, keyed as written; the Job records the digest that it read."""

    kind: Literal["pvc"] = "pvc"
    claim_name: str
    path: str = ""
    revision: str = ""


FilesPin = HuggingFacePin | ObjectStorePin | OciPin | PvcPin
Pin = Annotated[ArtifactPin | FilesPin, Field(discriminator="kind")]


class AdapterPin(Kept):
    """A LoRA adapter, pinned. What it adds is multiplied by ``scale``."""

    name: str
    scale: float = 1.0
    source: Annotated[FilesPin, Field(discriminator="kind")]


class DatasetPin(Kept):
    """The user's texts, by the digest of their file."""

    config_map: str
    key: str
    column: str
    digest: str


class Pins(Kept):
    """All of it. ``adapters`` are in the order in which they are merged; None where there are none."""

    source: Pin
    adapters: tuple[AdapterPin, ...] | None = None
    dataset: DatasetPin | None = None


def identity(pin: ArtifactPin | FilesPin) -> dict[str, str]:
    """Return what names a source's bytes."""
    if isinstance(pin, ArtifactPin):
        return {"artifact": pin.digest}
    if isinstance(pin, HuggingFacePin):
        return {"huggingFace": pin.repo, "commit": pin.commit}
    if isinstance(pin, OciPin):
        return {"oci": pin.digest}
    if isinstance(pin, ObjectStorePin):
        return {"objectStore": pin.url, "revision": pin.revision, "endpoint": pin.endpoint}
    return {"pvc": pin.claim_name, "path": pin.path, "revision": pin.revision}
