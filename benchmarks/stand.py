"""What benchmarks run on: the local cluster with the operator installed, and a namespace of their own."""

from __future__ import annotations

import importlib.metadata
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from examples.demo.install import install_operator
from examples.demo.kubectl import Kubectl, Object
from examples.demo.screen import Screen
from examples.demo.sentence_model import (
    REGISTRY_SERVICE,
    SYSTEM_NAMESPACE,
    WRITE_PORT,
    minilm_folder,
    push_folder,
)
from examples.demo.target import Target, local_target
from tests.e2e.yard import Yard
from tests.models.encoder import tiny_encoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A namespace on the local cluster, the two models that benchmarks use, and where they say what they do."""

    screen: Screen
    target: Target
    cluster: Kubectl
    minilm_source: Object
    tiny_source: Object

    @property
    def yard(self) -> Yard:
        """Return the namespace as tests use one."""
        return Yard(cluster=self.cluster)

    def warm_up(self) -> None:
        """Build, serve and remove a tiny model, so that every image is on the node."""
        with self.screen.step("Warm-up: a tiny model is built, served and removed"):
            self.yard.submit("warm-up", self.tiny_source)
            self.yard.healthy("warm-up", seconds=600)
            self.yard.remove("warm-up")

    def versions(self) -> dict[str, str]:
        """Return the versions that decide speed."""
        server = json.loads(self.cluster.run("version", "--output=json"))["serverVersion"]["gitVersion"]
        packages = ("modelyard", "torch", "openvino", "onnxruntime")
        named = {name: importlib.metadata.version(name) for name in packages}
        return {**named, "kubernetes": server}


@contextmanager
def the_stand(namespace: str) -> Iterator[Stand]:
    """Have the cluster, the operator, the models and a fresh namespace, which is removed at the end."""
    screen = Screen()
    with screen.step("Cluster: local", speaks=True):
        target = local_target()
    with screen.step("Operator, and a fresh namespace"):
        install_operator(target.cluster)
        target.cluster.run("delete", "namespace", namespace, "--ignore-not-found", "--wait", seconds=180)
        target.cluster.run("create", "namespace", namespace)
    try:
        with screen.step("Models: modelyard push", speaks=True):
            refs = pushed(target)
        with screen.signs_of_life():
            yield Stand(
                screen=screen,
                target=target,
                cluster=target.cluster.within(namespace),
                minilm_source={"oci": {"ref": refs["minilm"]}},
                tiny_source={"oci": {"ref": refs["tiny"]}},
            )
    finally:
        with screen.step("Namespace: kubectl delete"):
            target.cluster.run("delete", "namespace", namespace, "--wait", seconds=180)


def pushed(target: Target) -> dict[str, str]:
    """Push the models to the cluster's registry, and return their references as pods read them, by name."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        target.reach(REGISTRY_SERVICE, WRITE_PORT, namespace=SYSTEM_NAMESPACE) as (registry,),
    ):
        folders = {"minilm": minilm_folder(), "tiny": tiny_encoder(Path(scratch) / "tiny", seed=1)}
        return {
            name: push_folder(target.cluster, folder, f"models/{name}:bench", registry_address=registry)
            for name, folder in folders.items()
        }
