"""What the operator asks of a build: ``request.json``, a ConfigMap in the pod."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from modelyard.contract.choices import Candidate, Objective, Task
from modelyard.contract.dataset import DatasetFile
from modelyard.contract.wire import Wire


class HuggingFaceFiles(Wire):
    """A repository at a commit. The token, if any, is in the environment of ``fetch`` as ``HF_TOKEN``."""

    kind: Literal["huggingFace"] = "huggingFace"
    repo: str
    revision: str
    endpoint: str


class OciFiles(Wire):
    """A model folder pushed as an OCI artifact, by digest. Credentials in ``$DOCKER_CONFIG/config.json``."""

    kind: Literal["oci"] = "oci"
    ref: str
    plain_http: bool = False


class ObjectStoreFiles(Wire):
    """A folder of an object store or below an https address. Credentials are in the environment of ``fetch``.

    ``endpoint``: where S3 is, if it isn't Amazon's. A build without a cluster also reads ``file:///FOLDER/``.
    """

    kind: Literal["objectStore"] = "objectStore"
    url: str
    revision: str = ""
    endpoint: str = ""


class VolumeFiles(Wire):
    """A folder of the claim that is mounted read-only at ``/source``."""

    kind: Literal["pvc"] = "pvc"
    path: str = ""
    revision: str = ""


DEFAULT_LONGEST = 512
"""Tokens of the longest text where the user says nothing and the model has the positions."""

SourceFiles = Annotated[HuggingFaceFiles | ObjectStoreFiles | OciFiles | VolumeFiles, Field(discriminator="kind")]


class AdapterFiles(Wire):
    """A LoRA adapter to merge, what it adds multiplied by ``scale``."""

    name: str
    scale: float = 1.0
    files: SourceFiles


class BatchSize(Wire):
    """Texts in one call: the number to be fastest at."""

    opt: int = Field(ge=1)


class Length(Wire):
    """Tokens in one text: the typical and the greatest number. Without ``max`` the model has a say in it."""

    opt: int = Field(ge=1)
    max: int | None = Field(default=None, ge=1)

    def longest(self, positions: int) -> int:
        """Return the greatest length for a model of so many positions."""
        return min(DEFAULT_LONGEST, positions) if self.max is None else self.max


class Shapes(Wire):
    """Sizes to optimize for. batch in texts, sequence in tokens."""

    batch: BatchSize = BatchSize(opt=8)
    sequence: Length = Length(opt=128)


class ParityGate(Wire):
    """What a build must keep of the original; the defaults are strict.

    Each holds against the one-sided 95% bound of its figure, never against the figure alone. A field that the
    task has no figure for is refused, so it is None unless the user set it; ``for_task`` fills in the defaults.
    """

    p1_cosine: float | None = None
    neighbours_kept: float | None = None
    min_cosine: float | None = None
    agreement: float | None = None
    max_shift: float | None = None
    logit_error: float | None = None
    entity_f1: float | None = None
    order_kept: float | None = None
    batch_invariance: float | None = None


class Destination(Wire):
    """Where ``publish`` pushes: ``repository`` without a scheme, tagged with ``tag``."""

    repository: str
    tag: str
    plain_http: bool = False


class BuildRequest(Wire):
    """One conversion. ``key`` is the sha256 over everything that decides the artifact's bytes."""

    name: str
    key: str
    source: SourceFiles
    adapters: tuple[AdapterFiles, ...] = ()
    task: Task = Task.AUTO
    candidates: tuple[Candidate, ...]
    objective: Objective = Objective.THROUGHPUT
    shapes: Shapes = Shapes()
    parity: ParityGate = ParityGate()
    dataset: DatasetFile | None = None
    destination: Destination
    images: dict[str, str] = Field(default_factory=dict)
