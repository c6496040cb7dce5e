"""The local cluster as a user's own: a context in another HOME, and the images in another place."""

from __future__ import annotations

from pathlib import Path

import httpx
import yaml

from examples.demo.install import OWN_IMAGES
from examples.demo.target import LOCAL_KUBECONFIG
from tests.cluster.images.catalog import catalog
from tests.cluster.mirror import MANIFEST_TYPES, repository
from tests.cluster.settings import cluster_from_environment

CONTEXT = "elsewhere"


def write_kubeconfig(home: Path) -> None:
    """Write the ``~/.kube/config`` of ``home``: the local cluster, by another name than its own."""
    config = yaml.safe_load(LOCAL_KUBECONFIG.read_text())
    (context,) = config["contexts"]
    config |= {"contexts": [context | {"name": CONTEXT}], "current-context": ""}
    (home / ".kube").mkdir()
    (home / ".kube" / "config").write_text(yaml.safe_dump(config))


def copy_images(place: str) -> None:
    """Have our images below ``place`` too (``ghcr.io/somebody``): the mirror's blobs are linked, none is sent."""
    cluster = cluster_from_environment()
    with httpx.Client(base_url=f"http://{cluster.mirror}/v2", trust_env=False) as mirror:
        for name in OWN_IMAGES:
            source, _, tag = repository(cluster, catalog()[name].public_name).rpartition(":")
            copy = repository(cluster, f"{place}/{name}")
            found = mirror.get(f"/{source}/manifests/{tag}", headers={"Accept": ", ".join(MANIFEST_TYPES)})
            manifest = found.raise_for_status().json()
            for blob in (manifest["config"], *manifest["layers"]):
                linked = mirror.post(f"/{copy}/blobs/uploads/", params={"mount": blob["digest"], "from": source})
                assert linked.status_code == httpx.codes.CREATED, linked.text
            headers = {"Content-Type": found.headers["Content-Type"]}
            mirror.put(f"/{copy}/manifests/{tag}", content=found.content, headers=headers).raise_for_status()
