"""An operator of another version, with other images, takes over: nothing that runs is built, started or moved."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from examples.demo.kubectl import Object
from examples.demo.reference import sentence_encoder
from examples.demo.sentences import SENTENCES
from tests.cluster.settings import Cluster, cluster_from_environment
from tests.e2e.client import steady_load
from tests.e2e.faults import operator_pods
from tests.e2e.kit import WithValues
from tests.e2e.questions import Standard
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster

ANOTHER = "another"
IMAGES = {
    "operator": "ghcr.io/modelyard/operator",
    "runtime": "ghcr.io/modelyard/runtime",
    "triton": "ghcr.io/modelyard/triton",
    "envoy": "docker.io/envoyproxy/envoy",
}


def tagged_anew(cluster: Cluster, repository: str, tag: str) -> None:
    """Give an image of the mirror a second tag."""
    place = f"http://{cluster.mirror}/v2/{cluster.ident}/{repository}/manifests"
    accepted = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
    with httpx.Client(trust_env=False) as client:
        found = client.get(f"{place}/{tag}", headers={"Accept": accepted}).raise_for_status()
        headers = {"Content-Type": found.headers["Content-Type"]}
        client.put(f"{place}/{ANOTHER}", content=found.content, headers=headers).raise_for_status()


@pytest.fixture
def other_images(yard: Yard) -> tuple[str, ...]:
    """The chart's values for images that are the same under another name, as a new version's would be."""
    cluster = cluster_from_environment()
    tags = {"envoy": proxy_tag(yard)}
    for name, repository in IMAGES.items():
        tagged_anew(cluster, repository, tags.get(name, "0.1.0"))
    return tuple(f"images.{name}.tag={ANOTHER}" for name in IMAGES)


def proxy_tag(yard: Yard) -> str:
    """Return the tag of the Envoy that the operator was told to take."""
    settings = yard.cluster.within("modelyard-system").get("configmap", "modelyard-operator")
    assert settings is not None
    text = str(settings["data"]["settings.json"])
    return text.partition("envoyproxy/envoy:")[2].partition('"')[0]


def test_nothing_moves(
    yard: Yard, tiny_source: Object, tiny_folder: Path, with_values: WithValues, other_images: tuple[str, ...]
) -> None:
    yard.submit("m", tiny_source)
    before = yard.healthy("m")["status"]
    pods, started = lives(yard), yard.build_pods_started()
    encoder = sentence_encoder(tiny_folder)
    texts = [encoder.tokens(text) for text in SENTENCES]
    with steady_load(yard.address("m"), "m", texts, rate=10) as load, with_values(*other_images):
        assert {pod["spec"]["containers"][0]["image"] for pod in operator_pods(yard.cluster)} == {
            f"{IMAGES['operator']}:{ANOTHER}"
        }
        outdated = wait_for(
            lambda: yard.model("m")["status"]["outdated"], seconds=60, what="told outdated", cluster=yard.cluster
        )
        after = yard.model("m")["status"]
        assert lives(yard) == pods
    verdict = load.verdict({before["stableRevision"]: Standard(answers=encoder.embeddings(SENTENCES), tolerance=1e-3)})
    assert verdict.clean, str(verdict)
    assert outdated
    assert (after["phase"], after["stableRevision"]) == ("Healthy", before["stableRevision"])
    assert yard.build_pods_started() == started


def lives(yard: Yard) -> dict[str, int]:
    """Return the pods that serve and route, and how often their containers were started again."""
    return {
        pod["metadata"]["uid"]: sum(status["restartCount"] for status in pod["status"]["containerStatuses"])
        for pod in yard.cluster.list("pods", "modelyard.dev/model=m")
    }
