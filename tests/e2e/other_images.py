"""Images of another version, as an upgrade brings them: the same content under another tag."""

from __future__ import annotations

import httpx

from examples.demo.kubectl import Kubectl
from examples.demo.sentence_model import SYSTEM_NAMESPACE
from tests.cluster.settings import Cluster, cluster_from_environment

ANOTHER = "another"
IMAGES = {
    "operator": "ghcr.io/modelyard/operator",
    "runtime": "ghcr.io/modelyard/runtime",
    "triton": "ghcr.io/modelyard/triton",
    "envoy": "docker.io/envoyproxy/envoy",
}


def under_another_name(cluster: Kubectl) -> tuple[str, ...]:
    """Tag each image of the mirror anew, and return the chart's values that name them so."""
    mirror = cluster_from_environment()
    tags = {"envoy": _proxy_tag(cluster)}
    for name, repository in IMAGES.items():
        _tag(mirror, repository, tags.get(name, "0.1.0"))
    return tuple(f"images.{name}.tag={ANOTHER}" for name in IMAGES)


def _tag(cluster: Cluster, repository: str, tag: str) -> None:
    """Give an image of the mirror a second tag."""
    place = f"http://{cluster.mirror}/v2/{cluster.ident}/{repository}/manifests"
    accepted = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
    with httpx.Client(trust_env=False) as client:
        found = client.get(f"{place}/{tag}", headers={"Accept": accepted}).raise_for_status()
        headers = {"Content-Type": found.headers["Content-Type"]}
        client.put(f"{place}/{ANOTHER}", content=found.content, headers=headers).raise_for_status()


def _proxy_tag(cluster: Kubectl) -> str:
    """Return the tag of the Envoy that the operator was told to take."""
    settings = cluster.within(SYSTEM_NAMESPACE).get("configmap", "modelyard-operator")
    assert settings is not None
    text = str(settings["data"]["settings.json"])
    return text.partition("envoyproxy/envoy:")[2].partition('"')[0]
