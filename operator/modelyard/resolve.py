"""Pins a source once a generation: a branch to its commit, a tag to its digest; only at hosts that settings allow.

Adapters are pinned like it, and a dataset is read to its end: what no proof can be taken on is told before anything
is built.

A commit or a digest asks nobody here, but the build that it starts fetches from its host: that host is checked alike.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import replace
from urllib.parse import urlsplit

from modelyard.api.model import OptimizedModelSpec
from modelyard.api.proof import DatasetSpec
from modelyard.api.source import (
    ArtifactSource,
    FilesSource,
    HuggingFaceSource,
    ObjectStoreSource,
    OciSource,
    SecretKeyRef,
    Source,
)
from modelyard.apiserver import Forbidden
from modelyard.artifacts import digest_of_tag
from modelyard.cluster import Cluster
from modelyard.contract.dataset import BadDataset
from modelyard.datasets import pinned_dataset
from modelyard.hub import Hub
from modelyard.pins import (
    AdapterPin,
    ArtifactPin,
    DatasetPin,
    FilesPin,
    HuggingFacePin,
    ObjectStorePin,
    OciPin,
    Pin,
    Pins,
    PvcPin,
)
from modelyard.reasons import Reason
from modelyard.settings import Sources
from modelyard.state.observed import PinFailed
from modelyard.wording import of_adapter

_COMMIT = re.compile("[0-9a-f]{40}")
_DOCKER_CONFIG_KEY = ".dockerconfigjson"
_AS_DOCKER_LOGIN = "make it with `kubectl create secret docker-registry`, or name one that was made so"


class Pinner:
    """Pins sources; reads the Secrets that they name, in the model's own namespace."""

    def __init__(self, cluster: Cluster, sources: Sources) -> None:
        """Pin what is at the hosts of ``sources``, and nothing else."""
        self._cluster = cluster
        self._sources = sources

    async def pins(self, namespace: str, spec: OptimizedModelSpec) -> Pins | PinFailed:
        """Return what everything is at this moment that a spec leans on, or why that can't be said."""
        source = await self.pin(namespace, spec.source)
        if isinstance(source, PinFailed):
            return source
        adapters: list[AdapterPin] = []
        for adapter in spec.source.merge_adapters:
            pin = await self._files(namespace, adapter)
            if isinstance(pin, PinFailed):
                return replace(pin, message=of_adapter(adapter.name, pin.message))
            adapters.append(AdapterPin(name=adapter.name, scale=adapter.scale, source=pin))
        dataset = await self.dataset(namespace, spec.gates.dataset) if spec.gates.dataset else None
        if isinstance(dataset, PinFailed):
            return dataset
        return Pins(source=source, adapters=tuple(adapters) or None, dataset=dataset)

    async def pin(self, namespace: str, source: Source) -> Pin | PinFailed:
        """Return what ``source`` is at this moment, or why that can't be said."""
        return self._artifact(source.artifact) if source.artifact else await self._files(namespace, source)

    async def docker_config(self, namespace: str, secret: str) -> str | PinFailed:
        """Return the config.json of a Secret with a registry's credentials, or why there is none."""
        return await self._secret(namespace, SecretKeyRef(name=secret, key=_DOCKER_CONFIG_KEY))

    async def dataset(self, namespace: str, spec: DatasetSpec) -> DatasetPin | PinFailed:
        """Return what the user's texts are at this moment, or why no proof can be taken on them."""
        name = spec.config_map_ref.name
        config_map = await self._cluster.get("ConfigMap", namespace, name)
        try:
            return pinned_dataset(config_map, spec, f"ConfigMap {name} of namespace {namespace}")
        except BadDataset as error:
            return PinFailed(reason=Reason.DATASET_INVALID, message=str(error))

    async def _files(self, namespace: str, source: FilesSource) -> FilesPin | PinFailed:
        if source.hugging_face is not None:
            return await self._hugging_face(namespace, source.hugging_face)
        if source.oci is not None:
            return await self._oci(namespace, source.oci)
        if source.object_store is not None:
            return self._object_store(source.object_store)
        if source.pvc is not None:
            return PvcPin(claim_name=source.pvc.claim_name, path=source.pvc.path, revision=source.pvc.revision)
        fix = "give huggingFace, objectStore, pvc, oci or artifact"
        message = f"the source has no member that this version knows; {fix}"
        return PinFailed(reason=Reason.SPEC_NOT_UNDERSTOOD, message=message)

    async def _hugging_face(self, namespace: str, source: HuggingFaceSource) -> HuggingFacePin | PinFailed:
        endpoint = self._sources.hugging_face_endpoint
        refused = self._refusal(endpoint)
        if refused is not None:
            return refused
        secret = source.token_secret_ref
        commit: str | PinFailed = source.revision
        if not _COMMIT.fullmatch(source.revision):
            token = await self._secret(namespace, secret) if secret else None
            if isinstance(token, PinFailed):
                return token
            commit = await Hub(endpoint=endpoint, token=token).commit(source.repo, source.revision)
        if isinstance(commit, PinFailed):
            return commit
        named = {"token_secret": secret.name, "token_key": secret.key} if secret else {}
        return HuggingFacePin(repo=source.repo, commit=commit, endpoint=endpoint, **named)

    async def _oci(self, namespace: str, source: OciSource) -> OciPin | PinFailed:
        host = source.ref.partition("/")[0]
        plain_http = host in self._sources.plain_http_hosts
        refused = self._refusal(f"{'http' if plain_http else 'https'}://{host}")
        if refused is not None:
            return refused
        secret = source.pull_secret_ref
        repository, at, digest = source.ref.partition("@")
        if not at:
            config = await self.docker_config(namespace, secret.name) if secret else None
            if isinstance(config, PinFailed):
                return config
            found = await digest_of_tag(source.ref, docker_config=config, plain_http=plain_http)
            if isinstance(found, PinFailed):
                return found
            repository, digest = source.ref.rpartition(":")[0], found
        pull_secret = secret.name if secret else None
        return OciPin(repository=repository, digest=digest, plain_http=plain_http, pull_secret=pull_secret)

    def _artifact(self, source: ArtifactSource) -> ArtifactPin | PinFailed:
        """Nobody is asked: what is at a digest never changes. Its report is read by the build that it stands for."""
        repository, _, digest = source.ref.partition("@")
        host = repository.partition("/")[0]
        plain_http = host in self._sources.plain_http_hosts
        refused = self._refusal(f"{'http' if plain_http else 'https'}://{host}")
        if refused is not None:
            return refused
        secret = source.pull_secret_ref.name if source.pull_secret_ref else None
        return ArtifactPin(repository=repository, digest=digest, plain_http=plain_http, pull_secret=secret)

    def _object_store(self, source: ObjectStoreSource) -> ObjectStorePin | PinFailed:
        """Return it as written: nobody but the build reads it."""
        endpoint = self._sources.s3_endpoint.rstrip("/") if source.url.startswith("s3://") else ""
        refused = self._store_refusal(source.url) or (self._plain_http_refusal(endpoint) if endpoint else None)
        if refused is not None:
            return refused
        secret = source.credentials_secret_ref
        return ObjectStorePin(
            url=source.url,
            revision=source.revision,
            endpoint=endpoint,
            credentials_secret=secret.name if secret else None,
        )

    def _store_refusal(self, url: str) -> PinFailed | None:
        """Return why no model may come from a store. A bucket is listed as its address begins: s3://BUCKET.

        Its host alone would not do: one host has everybody's buckets.
        """
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"}:
            return self._refusal(url)
        bucket = f"{parts.scheme}://{parts.netloc}"
        return None if bucket in self._sources.allowed_hosts else self._not_allowed(bucket)

    def _refusal(self, url: str) -> PinFailed | None:
        """Return why no model may come from ``url``, None if one may."""
        host = urlsplit(url).netloc
        return self._plain_http_refusal(url) if host in self._sources.allowed_hosts else self._not_allowed(host)

    def _not_allowed(self, place: str) -> PinFailed:
        allowed = ", ".join(self._sources.allowed_hosts) or "none"
        fix = "ask whoever runs the operator to add it to the chart's sources.allowedHosts"
        message = f"models may not come from {place} (allowed: {allowed}); {fix}"
        return PinFailed(reason=Reason.HOST_NOT_ALLOWED, message=message)

    def _plain_http_refusal(self, url: str) -> PinFailed | None:
        """Return why ``url`` is not asked, if that would be without TLS."""
        parts = urlsplit(url)
        if parts.scheme == "https" or parts.netloc in self._sources.plain_http_hosts:
            return None
        fix = "use https, or add the host to the chart's sources.plainHttpHosts"
        message = f"{url} is not asked without TLS; {fix}"
        return PinFailed(reason=Reason.HOST_NOT_ALLOWED, message=message)

    async def _secret(self, namespace: str, ref: SecretKeyRef) -> str | PinFailed:
        where = f"Secret {ref.name} of namespace {namespace}"
        try:
            secret = await self._cluster.get("Secret", namespace, ref.name)
        except Forbidden:
            fix = "let its ClusterRole get Secrets, or pin the source by its full commit or digest"
            return _unauthorized(f"the operator may not read {where}; {fix}")
        if secret is None:
            return _unauthorized(f"there is no {where}; create it with the key {ref.key}")
        encoded = (secret.get("data") or {}).get(ref.key)
        if encoded is None:
            fix = _AS_DOCKER_LOGIN if ref.key == _DOCKER_CONFIG_KEY else "add it, or name another key"
            return _unauthorized(f"{where} has no key {ref.key}; {fix}")
        try:
            return base64.b64decode(encoded).decode().strip()
        except (binascii.Error, UnicodeDecodeError):
            return _unauthorized(f"{where} has a key {ref.key} that is not text; store the token as text")


def _unauthorized(message: str) -> PinFailed:
    return PinFailed(reason=Reason.SOURCE_UNAUTHORIZED, message=message)
