"""A model from a volume; most other tests take theirs from a registry, and those of the hub from one."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.demo.kubectl import Object
from tests.e2e.answers import assert_agrees
from tests.e2e.faults import operator_pods
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster

CLAIM: Object = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "models"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}},
}


def filling_pod(image: str) -> Object:
    """Return a pod that has the claim writable, to copy files into."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "filling"},
        "spec": {
            "containers": [
                {
                    "name": "main",
                    "image": image,
                    "command": ["sleep", "600"],
                    "volumeMounts": [{"name": "models", "mountPath": "/models"}],
                }
            ],
            "volumes": [{"name": "models", "persistentVolumeClaim": {"claimName": "models"}}],
            "terminationGracePeriodSeconds": 0,
        },
    }


def test_from_a_volume(yard: Yard, tiny_folder: Path) -> None:
    image = operator_pods(yard.cluster)[0]["spec"]["containers"][0]["image"]
    yard.cluster.apply(CLAIM, filling_pod(image))
    yard.cluster.wait("pod", "filling", lambda pod: pod["status"]["phase"] == "Running", seconds=90, what="up")
    yard.cluster.run("cp", str(tiny_folder), "filling:/models/tiny")
    yard.cluster.run("delete", "pod", "filling", "--wait")
    yard.submit("m", {"pvc": {"claimName": "models", "path": "tiny"}})
    yard.healthy("m")
    assert_agrees(yard, tiny_folder)
