"""Models from where users keep them: a volume, a Hugging Face hub, a registry; of both tasks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from examples.demo.ask import ask_http
from examples.demo.kubectl import Object
from examples.demo.reference import cosines, sentence_encoder
from examples.demo.sentences import SENTENCES
from tests.e2e.faults import operator_pods
from tests.e2e.hub import Hub
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


def test_from_a_hub(yard: Yard, hub: Hub, tiny_folder: Path) -> None:
    """The branch is pinned to its commit, and a branch that moves on changes nothing."""
    yard.submit("m", {"huggingFace": {"repo": hub.open_repo, "revision": "main"}})
    build = yard.healthy("m")["status"]["build"]
    [found] = yard.cluster.list("modelbuilds")
    assert found["metadata"]["name"] == build
    assert found["spec"]["source"]["huggingFace"]["revision"] == hub.commit
    assert_agrees(yard, tiny_folder)


def assert_agrees(yard: Yard, folder: Path) -> None:
    """Answers are the folder's own in PyTorch, and those of different sentences differ."""
    encoder = sentence_encoder(folder)
    tokens = [encoder.tokens(text) for text in SENTENCES]
    answers = ask_http(yard.address("m").http, "m", tokens).embeddings
    right = encoder.embeddings(SENTENCES)
    assert cosines(answers, right).min() > 0.9999
    assert cosines(np.roll(answers, 1, axis=0), right).min() < 0.99
