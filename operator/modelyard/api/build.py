"""``ModelBuild``: one conversion, named by the digest of its inputs. Made by the operator, never by hand."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from modelyard.api.base import ATOMIC, ApiModel, Duration, Name, Quantity, map_by, one_of, rule, rules
from modelyard.api.optimization import ShapesSpec
from modelyard.api.pod import PodOverlay, ResourcesSpec
from modelyard.api.proof import ConfigMapKeyRef, ParitySpec
from modelyard.api.source import FILES, MOST_ADAPTERS, AdapterName, AdapterScale, SecretKeyRef, SecretRef
from modelyard.contract.choices import Engine, Objective, Precision, Task


class PinnedHuggingFace(ApiModel):
    """A repository at a commit."""

    repo: Annotated[str, Field(min_length=1, max_length=193)]
    """The repository, as organisation/name."""
    revision: Annotated[str, Field(min_length=1, max_length=200)]
    """The commit."""
    endpoint: Annotated[str, Field(min_length=1, max_length=500)]
    """The hub."""
    token_secret_ref: SecretKeyRef | None = None
    """The hub's access token."""


class PinnedOci(ApiModel):
    """A model folder by digest."""

    ref: Annotated[str, Field(min_length=1, max_length=500)]
    """REGISTRY/REPOSITORY@sha256:DIGEST."""
    plain_http: bool = False
    """Whether the registry is asked without TLS."""
    pull_secret_ref: SecretRef | None = None
    """The registry's credentials."""


class PinnedObjectStore(ApiModel):
    """A folder of an object store, as written."""

    url: Annotated[str, Field(min_length=1, max_length=1024)]
    """The folder."""
    revision: Annotated[str, Field(max_length=200)] = ""
    """The user's word for what it holds."""
    endpoint: Annotated[str, Field(max_length=500)] = ""
    """Where S3 is, if it isn't Amazon's."""
    credentials_secret_ref: SecretRef | None = None
    """The store's credentials."""


class PinnedPvc(ApiModel):
    """A folder of a claim, as written."""

    claim_name: Name
    """Name of the claim."""
    path: Annotated[str, Field(max_length=1024)] = ""
    """Folder within the claim."""
    revision: Annotated[str, Field(max_length=200)] = ""
    """The user's word for what it holds."""


class PinnedArtifact(ApiModel):
    """What a build made already."""

    ref: Annotated[str, Field(min_length=1, max_length=500)]
    """REGISTRY/REPOSITORY@sha256:DIGEST."""
    plain_http: bool = False
    """Whether the registry is asked without TLS."""
    pull_secret_ref: SecretRef | None = None
    """The registry's credentials."""


class PinnedFiles(ApiModel):
    """Where files come from, pinned: exactly one of these, or of those that who inherits adds."""

    hugging_face: PinnedHuggingFace | None = None
    """A repository at a commit."""
    object_store: PinnedObjectStore | None = None
    """A folder of an object store."""
    oci: PinnedOci | None = None
    """A folder by digest."""
    pvc: PinnedPvc | None = None
    """A folder of a claim."""


class PinnedAdapter(PinnedFiles):
    """A LoRA adapter, pinned."""

    model_config = ConfigDict(json_schema_extra=rules(one_of(*FILES)))

    name: AdapterName
    """What it is called."""
    scale: AdapterScale = 1.0
    """By how much what it adds is multiplied."""


class PinnedSource(PinnedFiles):
    """A source, pinned. Exactly one member."""

    model_config = ConfigDict(json_schema_extra=rules(one_of(*FILES, "artifact")))

    artifact: PinnedArtifact | None = None
    """What a build made already: nothing is converted, its report is read."""


class PinnedDataset(ApiModel):
    """The user's texts, by the digest of their file."""

    config_map_ref: ConfigMapKeyRef
    """Where they are."""
    column: Annotated[str, Field(min_length=1, max_length=253)]
    """Column of the texts."""
    digest: Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]
    """Digest of the file."""


class CandidateSpec(ApiModel):
    """One way to run the model."""

    engine: Engine
    """What runs the converted graph."""
    precision: Precision
    """The number format of the products and of the stored weights."""


class BuildImages(ApiModel):
    """The images that build and measure."""

    runtime: Annotated[str, Field(max_length=500)]
    """What converts. Part of the key. Empty for an artifact."""
    triton: Annotated[str, Field(min_length=1, max_length=500)]
    """What serves, beside the conversion."""


class DestinationSpec(ApiModel):
    """Where the artifact goes."""

    repository: Annotated[str, Field(min_length=1, max_length=500)]
    """REGISTRY/REPOSITORY, without a scheme."""
    tag: Annotated[str, Field(min_length=1, max_length=128)]
    """The build's name; a further attempt at a build that succeeded has a tag of its own."""
    plain_http: bool = False
    """Whether the registry is asked without TLS."""


class ModelBuildSpec(ApiModel):
    """One conversion. Never changes."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("self == oldSelf", "a build never changes; change the OptimizedModel, and it makes another build")
        )
    )

    key: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Digest over everything that decides the artifact's bytes."""
    attempt: Annotated[int, Field(ge=1, le=1000)] = 1
    """Counts the commands retry."""
    source: PinnedSource
    """Where the model comes from, pinned."""
    adapters: Annotated[list[PinnedAdapter], Field(max_length=MOST_ADAPTERS, json_schema_extra=map_by("name"))] = Field(
        default_factory=list
    )
    """What is merged into it, in this order."""
    task: Task = Task.AUTO
    """What the model is for."""
    candidates: Annotated[list[CandidateSpec], Field(max_length=32, json_schema_extra=ATOMIC)]
    """The ways to try, in this order. None for an artifact."""
    objective: Objective = Objective.THROUGHPUT
    """By what the fastest is taken."""
    shapes: ShapesSpec = ShapesSpec()
    """Sizes to optimize for."""
    parity: ParitySpec | None = None
    """What a candidate must keep; only where several compete."""
    dataset: PinnedDataset | None = None
    """The texts to prove on; without them built-in ones."""
    images: BuildImages
    """The images that build and measure."""
    destination: DestinationSpec
    """Where the artifact goes."""
    pod: PodOverlay = PodOverlay()
    """Fields of the build's pod."""
    resources: ResourcesSpec = ResourcesSpec()
    """Resources of the conversion."""
    memory_limit_is_users: bool = False
    """Whether the memory limit was set by the user: then it is never raised."""
    scratch: Quantity = "20Gi"
    """Size limit of the working disk."""
    timeout: Duration = "1h"
    """How long one attempt may take."""
