"""Where a model comes from: ``spec.source``."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from modelyard.api.base import ApiModel, Name, rule, rules


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
                    r"self.matches('^[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+"
                    r"(:[\\w][\\w.-]{0,127}|@sha256:[0-9a-f]{64})$')",
                    "write REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:DIGEST, without oci:// and with the "
                    "repository in lower case",
                )
            ),
        ),
    ]
    """The artifact. A tag is pinned to its digest once a generation."""
    pull_secret_ref: SecretRef | None = None
    """A Secret of type kubernetes.io/dockerconfigjson with the registry's credentials."""


class Source(ApiModel):
    """Where the model's weights, configuration and tokenizer come from. Exactly one member."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "[has(self.huggingFace), has(self.pvc), has(self.oci)].filter(given, given).size() == 1",
                "give exactly one source: huggingFace, pvc or oci",
            )
        )
    )

    hugging_face: HuggingFaceSource | None = None
    """A repository of a Hugging Face hub."""
    pvc: PvcSource | None = None
    """A folder of a PersistentVolumeClaim."""
    oci: OciSource | None = None
    """A model folder in an OCI registry."""
