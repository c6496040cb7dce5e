"""A model from a volume, an adapter from a registry, a proof on texts of the user's: one build for all three."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from examples.demo.kubectl import Object
from examples.demo.reference import cosines, sentence_encoder
from examples.demo.sentences import SENTENCES
from tests.e2e.answers import assert_agrees
from tests.e2e.artifacts import Artifacts
from tests.e2e.faults import operator_pods
from tests.e2e.kit import Push
from tests.e2e.yard import UNHURRIED, Yard
from tests.models.adapters import save_adapter

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


def merged_by_peft(base: Path, adapter: Path, folder: Path) -> Path:
    """Write an adapter, and the model that PEFT makes of ``base`` with it."""
    adapted = save_adapter(base, adapter)
    shutil.copytree(base, folder)
    adapted.merge_and_unload().save_pretrained(folder)
    return folder


def test_from_a_volume_with_an_adapter_and_proven_on_your_texts(
    yard: Yard, push: Push, tiny_folder: Path, artifacts: Artifacts, tmp_path: Path
) -> None:
    merged = merged_by_peft(tiny_folder, tmp_path / "adapter", tmp_path / "merged")
    adapter = {"name": "support"} | push(tmp_path / "adapter", "support")
    source = {"pvc": {"claimName": "models", "path": "tiny"}, "mergeAdapters": [adapter]}
    image = operator_pods(yard.cluster)[0]["spec"]["containers"][0]["image"]
    yard.cluster.apply(CLAIM, filling_pod(image))
    yard.cluster.wait("pod", "filling", lambda pod: pod["status"]["phase"] == "Running", seconds=90, what="up")
    yard.cluster.run("cp", str(tiny_folder), "filling:/models/tiny")
    yard.cluster.run("delete", "pod", "filling", "--wait")
    dataset = {"configMapRef": {"name": "texts", "key": "texts.csv"}, "column": "body"}
    yard.submit("m", source, gates=UNHURRIED | {"dataset": dataset})
    assert "there is no ConfigMap texts" in yard.told("m", "DatasetInvalid")
    yard.cluster.apply(TEXTS)
    yard.healthy("m")
    [build] = yard.cluster.list("modelbuild")
    report = artifacts.report(build)
    assert [(one.name, one.scale) for one in report.source.adapters] == [("support", 1.0)]
    parity = report.chosen.parity
    assert parity is not None
    assert parity.dataset.startswith("yours: texts.csv of ConfigMap texts (sha256:")
    assert parity.figures["p1Cosine"].samples == 310
    ours, theirs = (sentence_encoder(folder).embeddings(SENTENCES) for folder in (merged, tiny_folder))
    assert cosines(ours, theirs).max() < 0.999, "the adapter changes every answer"
    assert_agrees(yard, merged)
