"""Where a model comes from: ``spec.source``."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, field_validator

from modelyard.api.base import ApiModel, Name, map_by, one_of, rule, rules

_REPOSITORY = "[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+"
_DIGEST = "@sha256:[0-9a-f]{64}"
_TAG_OR_DIGEST = rf"(:[\\w][\\w.-]{{0,127}}|{_DIGEST})"


FILES = ("huggingFace", "objectStore", "pvc", "oci")
"""Where files come from."""
MOST_ADAPTERS = 8
AdapterName = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
"""Part of the names of a container and of volumes."""


AdapterScale = Annotated[
    float,
    Field(
        gt=0,
        le=10,
        # Not the schema's minimum: the API server compares an integer with the integer part of it.
        json_schema_extra=rules(rule("self > 0.0", "give a scale above 0, for an adapter times 0 adds nothing")),
    ),
]


class SecretKeyRef(ApiModel):
    """A key of a Secret in the model's namespace."""

    name: Name
    """Name of the Secret."""
    key: Annotated[str, Field(min_length=1, max_length=253)] = "token"
    """Key within the Secret."""


class SecretRef(ApiModel):
    """A Secret in the model's namespace."""

    name: Name
    """Name of the Secret."""


class HuggingFaceSource(ApiModel):
    """A repository of a Hugging Face hub. The branch or tag is pinned to a commit once a generation."""

    repo: Annotated[
        str,
        Field(
            max_length=193,
            json_schema_extra=rules(
                rule(
                    r"self.matches('^[A-Za-z0-9][\\w.-]*(/[A-Za-z0-9][\\w.-]*)?$')",
                    "name a repository of the hub as ORGANISATION/NAME, without a host: "
                    "sentence-transformers/all-MiniLM-L6-v2",
                )
            ),
        ),
    ]
    """The repository, as ``organisation/name``."""
    revision: Annotated[str, Field(min_length=1, max_length=200)] = "main"
    """Branch, tag or commit."""
    token_secret_ref: SecretKeyRef | None = None
    """The hub's access token, for gated and private repositories."""


class PvcSource(ApiModel):
    """A folder of a PersistentVolumeClaim in the model's namespace. Mounted read-only, by the build alone."""

    claim_name: Name
    """Name of the claim."""
    path: Annotated[
        str,
        Field(
            max_length=1024,
            json_schema_extra=rules(
                rule(
                    "!self.startsWith('/') && !self.split('/').exists(part, part == '..')",
                    "path is relative to the root of the claim: no leading slash and no ..",
                )
            ),
        ),
    ] = ""
    """Folder within the claim that holds config.json; empty means its root."""
    revision: Annotated[str, Field(max_length=200)] = ""
    """Your word for what the folder holds: change it when the files change, and a new build starts."""


class OciSource(ApiModel):
    """A model folder pushed by ``modelyard push FOLDER oci://REGISTRY/REPOSITORY:TAG``."""

    ref: Annotated[
        str,
        Field(
            max_length=500,
            json_schema_extra=rules(
                rule(
                    f"self.matches('^{_REPOSITORY}{_TAG_OR_DIGEST}$')",
                    "write REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:DIGEST, without oci:// and with the "
                    "repository in lower case",
                )
            ),
        ),
    ]
    """The artifact. A tag is pinned to its digest once a generation."""
    pull_secret_ref: SecretRef | None = None
    """A Secret of type kubernetes.io/dockerconfigjson with the registry's credentials."""


class ObjectStoreSource(ApiModel):
    """A model folder in an object store, or below an https address. Read by the build alone."""

    url: Annotated[
        str,
        Field(
            max_length=1024,
            json_schema_extra=rules(
                rule(
                    "self.matches('^(s3://[A-Za-z0-9][A-Za-z0-9._-]*|gs://[a-z0-9][a-z0-9._-]*"
                    "|az://[a-z0-9$][a-z0-9-]*@[a-z0-9]+([.][a-z0-9-]+)+|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)"
                    "(/[^?#[:cntrl:]]*)?$')",
                    "write s3://BUCKET/FOLDER, gs://BUCKET/FOLDER, "
                    "az://CONTAINER@ACCOUNT.blob.core.windows.net/FOLDER or https://HOST/FOLDER, without a user, "
                    "a query or a fragment",
                ),
                rule("!self.split('/').exists(part, part == '..')", "name the folder itself, without a .."),
            ),
        ),
    ]
    """The folder that holds config.json, with a slash at its end or without."""
    revision: Annotated[str, Field(max_length=200)] = ""
    """Your word for what the folder holds: change it when the files change, and a new build starts."""
    credentials_secret_ref: SecretRef | None = None
    """A Secret with the store's credentials. Its keys are those that the store's own tools read: AWS_ACCESS_KEY_ID and
    AWS_SECRET_ACCESS_KEY (s3), key.json (gs), AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN (az), token (https).
    Without one, the store is asked as anybody."""


class ArtifactSource(ApiModel):
    """What a build made already, here or in another cluster: served as it is, its report held against the gates."""

    ref: Annotated[
        str,
        Field(
            max_length=500,
            json_schema_extra=rules(
                rule(
                    f"self.matches('^{_REPOSITORY}{_DIGEST}$')",
                    "write REGISTRY/REPOSITORY@sha256:DIGEST, as status.artifacts[].ref of the model that it was built "
                    "for has it, without oci://: what is promoted is one artifact and no tag",
                )
            ),
        ),
    ]
    """The artifact, by digest."""
    pull_secret_ref: SecretRef | None = None
    """A Secret of type kubernetes.io/dockerconfigjson with the registry's credentials; pods pull with it too."""


class FilesSource(ApiModel):
    """Where files come from: exactly one of these, or of those that who inherits adds."""

    hugging_face: HuggingFaceSource | None = None
    """A repository of a Hugging Face hub."""
    object_store: ObjectStoreSource | None = None
    """A folder in an object store, or below an https address."""
    pvc: PvcSource | None = None
    """A folder of a PersistentVolumeClaim."""
    oci: OciSource | None = None
    """A folder in an OCI registry."""


class AdapterSource(FilesSource):
    """A LoRA adapter as PEFT saves it, merged into the model's weights before anything is built or proven."""

    model_config = ConfigDict(json_schema_extra=rules(one_of(*FILES)))

    name: AdapterName
    """What the adapter is called in messages and in the report."""
    scale: AdapterScale = 1.0
    """By how much what the adapter adds is multiplied."""


class Source(FilesSource):
    """Where the model's weights, configuration and tokenizer come from. Exactly one member."""

    model_config = ConfigDict(json_schema_extra=rules(one_of(*FILES, "artifact")))

    artifact: ArtifactSource | None = None
    """What a build made already. Nothing is converted."""
    merge_adapters: Annotated[
        list[AdapterSource], Field(max_length=MOST_ADAPTERS, json_schema_extra=map_by("name"))
    ] = Field(default_factory=list)
    """LoRA adapters to merge into the model, in this order. What is proven is the merged model."""

    @field_validator("merge_adapters")
    @classmethod
    def _named_apart(cls, adapters: list[AdapterSource]) -> list[AdapterSource]:
        """Hold what the API server holds: a list that is a map by name."""
        names = [adapter.name for adapter in adapters]
        if len(set(names)) < len(names):
            raise ValueError("two adapters have one name; give each a name of its own")
        return adapters
