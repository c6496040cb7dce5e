"""A model from a volume, proven on texts of its user's: most other tests take both from elsewhere."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from examples.demo.kubectl import Object
from tests.e2e.answers import assert_agrees
from tests.e2e.artifacts import Artifacts
from tests.e2e.faults import operator_pods
from tests.e2e.yard import UNHURRIED, Yard

pytestmark = pytest.mark.cluster

CLAIM: Object = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "models"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}},
}
WORDS = (
    *("printer", "badge", "laptop", "invoice", "projector", "password", "phone", "room", "heating", "coffee"),
    *("again", "broken", "lost", "late", "since Monday", "for the third time", "on floor two", "with a red light"),
    *("please,", "nobody knows why,", "it smells,", "my colleague as well,", "see above,", "urgent,", "no hurry,"),
)


def ticket(number: int) -> str:
    """Return words that nobody else wrote: of texts that are nearly alike, neighbours have no order to keep."""
    return " ".join(random.Random(number).sample(WORDS, 7))


TEXTS: Object = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "texts"},
    "data": {"texts.csv": "\n".join(["id,body", *(f'{n},"ticket {n}: {ticket(n)}"' for n in range(470))])},
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


def test_from_a_volume_and_proven_on_your_texts(yard: Yard, tiny_folder: Path, artifacts: Artifacts) -> None:
    image = operator_pods(yard.cluster)[0]["spec"]["containers"][0]["image"]
    yard.cluster.apply(CLAIM, filling_pod(image))
    yard.cluster.wait("pod", "filling", lambda pod: pod["status"]["phase"] == "Running", seconds=90, what="up")
    yard.cluster.run("cp", str(tiny_folder), "filling:/models/tiny")
    yard.cluster.run("delete", "pod", "filling", "--wait")
    dataset = {"configMapRef": {"name": "texts", "key": "texts.csv"}, "column": "body"}
    yard.submit("m", {"pvc": {"claimName": "models", "path": "tiny"}}, gates=UNHURRIED | {"dataset": dataset})
    assert "there is no ConfigMap texts" in yard.told("m", "DatasetInvalid")
    yard.cluster.apply(TEXTS)
    yard.healthy("m")
    [build] = yard.cluster.list("modelbuild")
    parity = artifacts.report(build).chosen.parity
    assert parity is not None
    assert parity.dataset.startswith("yours: texts.csv of ConfigMap texts (sha256:")
    assert parity.figures["p1Cosine"].samples == 310
    assert_agrees(yard, tiny_folder)
