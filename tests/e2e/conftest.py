"""The installed operator, models in its registry, and a namespace for each test."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from examples.demo.install import install_operator
from examples.demo.kubectl import Object
from examples.demo.reference import SentenceEncoder, sentence_encoder
from examples.demo.sentence_model import (
    REGISTRY,
    REGISTRY_SERVICE,
    SYSTEM_NAMESPACE,
    WRITE_PORT,
    minilm_folder,
    push_credentials,
    push_folder,
)
from examples.demo.target import LOCAL_KUBECONFIG, Target
from modelyard.oci.credentials import Credentials
from tests.cluster import lifecycle
from tests.cluster.locks import locked
from tests.cluster.settings import cluster_from_environment
from tests.e2e.artifacts import Artifacts
from tests.e2e.builds import built
from tests.e2e.kit import BuiltAlready, MakeYard, Push, RestartApiServer, WithValues
from tests.e2e.reader import Reader
from tests.e2e.yard import Yard
from tests.models.encoder import tiny_encoder
from tests.servers.hub import Hub, running_hub
from tests.servers.s3 import BUCKET, RunningS3, running_s3

HUB_PORT, S3_PORT = 18080, 18081
"""Fixed, so that the settings of a run are those of the next: another value would restart the operator."""

RUN = secrets.token_hex(2)
"""Names of one run: the registry outlives a run, and what it holds of an earlier one must not be found."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests on the cluster ten minutes: they wait for builds and roll-outs, each with a deadline of its own."""
    for item in items:
        if item.get_closest_marker("cluster") and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def target() -> Target:
    """The local cluster, which must be up."""
    if not LOCAL_KUBECONFIG.exists():
        pytest.fail("there is no local cluster: run `make cluster images`")
    return Target(cluster=Reader(kubeconfig=LOCAL_KUBECONFIG), local=True)


@pytest.fixture(scope="session")
def hub(tiny_folder: Path) -> Iterator[Hub]:
    """A hub that speaks Hugging Face's paths, on this machine's side of the link to the node."""
    with running_hub(tiny_folder, address=str(cluster_from_environment().host_address), port=HUB_PORT) as hub:
        yield hub


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningS3]:
    """An S3 server beside the hub."""
    address = str(cluster_from_environment().host_address)
    with running_s3(tmp_path_factory.mktemp("s3"), address=address, port=S3_PORT) as server:
        yield server


@pytest.fixture(scope="session")
def settings() -> tuple[str, ...]:
    """What tests set of the chart's values: their own hub and store, which run in the process of those that ask."""
    address = cluster_from_environment().host_address
    hub, s3 = f"{address}:{HUB_PORT}", f"{address}:{S3_PORT}"
    return (
        f"sources.huggingFaceEndpoint=http://{hub}",
        f"sources.s3Endpoint=http://{s3}",
        f"sources.allowedHosts={{{hub},s3://{BUCKET},{REGISTRY}}}",
        f"sources.plainHttpHosts={{{hub},{s3},{REGISTRY}}}",
    )


@pytest.fixture(scope="session")
def system(target: Target, settings: tuple[str, ...]) -> Target:
    """The cluster with the operator installed from the chart."""
    with locked(LOCAL_KUBECONFIG.with_name("install.lock")):  # Helm refuses a second upgrade at once
        install_operator(target.cluster, settings=settings)
    return target


@pytest.fixture
def with_values(system: Target, settings: tuple[str, ...]) -> WithValues:
    """Other values of the chart for a while."""

    @contextmanager
    def changed(*more: str) -> Iterator[None]:
        install_operator(system.cluster, settings=(*settings, *more))
        try:
            yield
        finally:
            install_operator(system.cluster, settings=settings)

    return changed


@pytest.fixture(scope="session")
def registry(system: Target) -> Iterator[str]:
    """host:port of the registry's port for writing."""
    with system.reach(REGISTRY_SERVICE, WRITE_PORT, namespace=SYSTEM_NAMESPACE) as (address,):
        yield address


@pytest.fixture(scope="session")
def artifacts(system: Target, registry: str) -> Artifacts:
    """What builds pushed."""
    username, password = push_credentials(system.cluster)
    return Artifacts(address=registry, credentials=Credentials(username=username, password=password))


@pytest.fixture(scope="session")
def push(system: Target, registry: str) -> Push:
    """Push a model folder, as a user does."""

    def pushed(folder: Path, name: str) -> Object:
        repository = f"models/{name}:{RUN}"
        return {"oci": {"ref": push_folder(system.cluster, folder, repository, registry_address=registry)}}

    return pushed


@pytest.fixture(scope="session")
def shared_folder(testrun_uid: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of a run share."""
    folder = tmp_path_factory.getbasetemp().parent / f"run-{testrun_uid}"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def tiny_folder(shared_folder: Path) -> Path:
    """A random encoder of two layers, one for all: its tokenizer learns other pieces in another process."""
    folder = shared_folder / "tiny"
    with locked(shared_folder / "tiny.lock"):
        return folder if folder.exists() else tiny_encoder(folder, seed=1)


@pytest.fixture(scope="session")
def tiny_source(push: Push, tiny_folder: Path) -> Object:
    """The random encoder in the registry."""
    return push(tiny_folder, "tiny")


@pytest.fixture(scope="session")
def tiny_build(system: Target, tiny_source: Object, shared_folder: Path) -> Object:
    """The tiny model's build, made once in a run by the process whose tests need it first."""
    told = shared_folder / "tiny-build.json"
    with locked(told.with_suffix(".lock")):
        if not told.exists():
            with yards(system) as make:
                told.write_text(json.dumps(built(make("tiny"), "tiny", tiny_source)))
    found: Object = json.loads(told.read_text())
    return found


@pytest.fixture(scope="session")
def built_already(tiny_build: Object, artifacts: Artifacts) -> BuiltAlready:
    """For tests of what comes after a build, which need none of their own."""
    return lambda yard: artifacts.copy(tiny_build, yard.name)


@pytest.fixture
def fresh_source(push: Push, tmp_path: Path) -> Object:
    """A random encoder that nobody has built yet."""
    seed = secrets.randbits(31)
    return push(tiny_encoder(tmp_path / "model", seed=seed), f"fresh-{seed}")


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> SentenceEncoder:
    """The random encoder in PyTorch."""
    return sentence_encoder(tiny_folder)


@pytest.fixture(scope="session")
def minilm_source(push: Push) -> Object:
    """The trained MiniLM in the registry."""
    return push(minilm_folder(), "minilm")


@pytest.fixture(scope="session")
def minilm() -> SentenceEncoder:
    """The trained MiniLM in PyTorch."""
    return sentence_encoder(minilm_folder())


@pytest.fixture(scope="session")
def restart_api_server() -> RestartApiServer:
    """Stop the API server, and start it again."""

    def restart() -> None:
        lifecycle.restart(cluster_from_environment(), ["kube-apiserver"])

    return restart


@contextmanager
def yards(system: Target) -> Iterator[MakeYard]:
    """Make namespaces for the length of the block. One that was deleted is made again."""
    made: set[str] = set()

    def make(word: str) -> Yard:
        name = f"e2e-{word}-{RUN}"
        system.cluster.run("create", "namespace", name)
        made.add(name)
        return Yard(cluster=system.cluster.within(name))

    yield make
    for name in made:
        system.cluster.run("delete", "namespace", name, "--ignore-not-found", "--wait=false")


@pytest.fixture(scope="module")
def make_yard(system: Target) -> Iterator[MakeYard]:
    """Make namespaces that several tests of a module share."""
    with yards(system) as make:
        yield make


@pytest.fixture
def yard(system: Target) -> Iterator[Yard]:
    """A namespace of the test's own."""
    with yards(system) as make:
        yield make(secrets.token_hex(3))
