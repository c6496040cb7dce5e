"""One of everything that is made, with every option in use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from modelyard.api.build import ModelBuildSpec
from modelyard.api.model import BatchingSpec, ProxySpec
from modelyard.api.pod import PodOverlay, ResourcesSpec
from modelyard.contract.choices import INPUTS, Candidate, Engine, Precision, Task
from modelyard.contract.request import Shapes
from modelyard.manifests.configmap import proxy_config, request_config, revision_config
from modelyard.manifests.controllerrevision import Said, record_manifest
from modelyard.manifests.deployment import revision_deployment
from modelyard.manifests.job import BuildJob, job
from modelyard.manifests.metadata import build_owner, model_owner
from modelyard.manifests.modelbuild import build_manifest
from modelyard.manifests.pdb import proxy_budget, revision_budget
from modelyard.manifests.proxy import ProxyInputs, proxy_deployment
from modelyard.manifests.request import build_request
from modelyard.manifests.revision import Revision
from modelyard.manifests.secret import push_secret
from modelyard.manifests.service import fallback_service, headless_service, public_service
from modelyard.pins import OciPin
from modelyard.routes import Routes
from modelyard.snapshot import BuildSnapshot, ServingSnapshot, Snapshot, snapshot_of
from modelyard.traffic.envoy_config import ProxyConfig

Manifest = dict[str, Any]

OVERLAY = PodOverlay.model_validate(
    {
        "nodeSelector": {"pool": "models"},
        "tolerations": [{"key": "models", "operator": "Exists"}],
        "labels": {"team": "search", "modelyard.dev/model": "somebody-else"},
        "annotations": {"example.com/scrape": "yes"},
        "env": [{"name": "TZ", "value": "UTC"}],
    }
)
RESOURCES = ResourcesSpec(requests={"cpu": "1", "memory": "1Gi"}, limits={"memory": "2Gi"})
DIGEST = "sha256:" + "d" * 64


def snapshot() -> Snapshot:
    build = BuildSnapshot(
        source=OciPin(repository="registry.example.com/models/minilm", digest=DIGEST, pull_secret="pull"),  # noqa: S106 - a name
        task=Task.EMBEDDING,
        candidates=(Candidate(engine=Engine.OPENVINO, precision=Precision.BF16),),
        shapes=Shapes(),
        runtime_image="ghcr.io/modelyard/runtime:1",
    )
    serving = ServingSnapshot(
        model_name="minilm",
        operator_image="ghcr.io/modelyard/operator:1",
        triton_image="ghcr.io/modelyard/triton:1",
        registry="registry.example.com",
        pull_secret="pull",  # noqa: S106 - a name
        resources=RESOURCES,
        batching=BatchingSpec(),
        instances=2,
        pod=OVERLAY,
        drain_seconds=15,
        allow_insecure_server=True,
    )
    return snapshot_of(build, serving, attempt=1, proxy_image="docker.io/envoyproxy/envoy:v1.40.0")


def build_spec(source: Manifest | None = None, adapters: Sequence[Manifest] = ()) -> ModelBuildSpec:
    return ModelBuildSpec.model_validate(
        {
            "key": "a" * 64,
            "source": source or {"huggingFace": _hub()},
            "adapters": adapters,
            "dataset": {"configMapRef": {"name": "texts", "key": "t.jsonl"}, "column": "body", "digest": DIGEST},
            "candidates": [{"engine": "OnnxRuntime", "precision": "FP32"}],
            "images": {"runtime": "ghcr.io/modelyard/runtime:1", "triton": "ghcr.io/modelyard/triton:1"},
            "destination": {"repository": "registry.example.com/n/build", "tag": "a" * 16},
            "pod": OVERLAY.to_dict(),
        }
    )


def _hub() -> Manifest:
    return {
        "repo": "org/name",
        "revision": "c" * 40,
        "endpoint": "https://hub.example.com",
        "tokenSecretRef": {"name": "hf", "key": "token"},
    }


def stores() -> dict[str, Manifest]:
    """Return a source in each kind of object store, with a Secret."""
    secret = {"credentialsSecretRef": {"name": "store"}}
    s3 = {"url": "s3://models/minilm", "revision": "2", "endpoint": "https://minio.example.com"}
    urls = ("gs://models/minilm", "az://models@acme.blob.core.windows.net/minilm", "https://files.example.com/minilm")
    others = {url.partition("://")[0]: {"url": url} for url in urls}
    return {scheme: {"objectStore": store | secret} for scheme, store in {"s3": s3, **others}.items()}


def adapters() -> list[Manifest]:
    """Return an adapter of a registry and one of a claim."""
    oci = {"ref": f"registry.example.com/adapters/support@{DIGEST}", "pullSecretRef": {"name": "theirs"}}
    return [
        {"name": "support", "scale": 0.5, "oci": oci},
        {"name": "tone", "pvc": {"claimName": "adapters", "path": "tone/"}},
    ]


def build_job(
    resources: ResourcesSpec,
    namespace: str = "n",
    source: Manifest | None = None,
    adapters: Sequence[Manifest] = (),
) -> Manifest:
    """Return the Job of a build with these resources."""
    owner = build_owner(namespace, "a" * 16, "22222222-2222-2222-2222-222222222222")
    return job(
        BuildJob(
            owner=owner,
            spec=build_spec(source, adapters),
            attempt=1,
            starts_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            resources=resources,
            pushes_with_secret=True,
        ),
    )


def everything(namespace: str = "n") -> dict[str, Manifest]:
    """Return a manifest of each kind by a word for it."""
    model = model_owner(namespace, "minilm", "11111111-1111-1111-1111-111111111111")
    build = build_owner(namespace, "a" * 16, "22222222-2222-2222-2222-222222222222")
    revision = Revision(
        owner=model,
        snapshot=snapshot(),
        digest=DIGEST,
        engine=Engine.OPENVINO,
        precision=Precision.BF16,
        task=Task.EMBEDDING,
        inputs=INPUTS,
        replicas=2,
    )
    proxy = ProxySpec()
    routes = Routes(clusters=(revision.name,), weights={revision.name: 100})
    spec = build_spec()
    return {
        "record": record_manifest(model, snapshot(), Said(sequence=1, generation=1, spec_digest="s")),
        "revision-deployment": revision_deployment(revision),
        "revision-config": revision_config(revision),
        "revision-service": headless_service(model, revision.name),
        "revision-fallback-service": fallback_service(model, revision.name),
        "revision-budget": revision_budget(model, revision.name),
        "proxy-deployment": proxy_deployment(
            model, ProxyInputs(image=snapshot().proxy_image, resources=proxy.resources), proxy.replicas
        ),
        "proxy-config": proxy_config(
            model,
            ProxyConfig(model="minilm", namespace=namespace, model_name="minilm", routes=routes),
            written_at=datetime(2026, 1, 2, tzinfo=UTC),
            weighed_at=datetime(2026, 1, 1, tzinfo=UTC),
        ),
        "proxy-budget": proxy_budget(model),
        "public-service": public_service(model),
        "build": build_manifest(namespace, spec),
        "build-job": build_job(RESOURCES, namespace),
        "build-job-object-store": build_job(RESOURCES, namespace, stores()["s3"]),
        "build-job-adapters": build_job(RESOURCES, namespace, adapters=adapters()),
        "build-request": request_config(build, build_request(spec)),
        "build-request-adapters": request_config(build, build_request(build_spec(adapters=adapters()))),
        "build-request-object-store": request_config(build, build_request(build_spec(stores()["s3"]))),
        "build-push-secret": push_secret(build, '{"auths": {}}'),
    }
