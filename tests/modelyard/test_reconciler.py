"""Passes over a real API server and a real registry, with the operator's own rights; one pass after the other."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from modelyard.apiserver import ApiServer, Login
from modelyard.artifacts import Artifacts
from modelyard.cluster import Cluster
from modelyard.contract.report import Figure, Parity
from modelyard.defaults import defaults_from
from modelyard.keys import Key
from modelyard.oci.artifact import ARTIFACT_TYPE, attach_report, image_of, push
from modelyard.oci.client import Repository
from modelyard.oci.layers import layers_of
from modelyard.oci.reference import Reference
from modelyard.reconciler import Reconciler
from modelyard.resolve import Pinner
from modelyard.settings import Images, Registry, Settings, Sources
from modelyard.state.objects import ObjectRef
from modelyard.traffic.envoy import Envoys
from tests.modelyard.objects import model, owner, pod
from tests.modelyard.test_artifacts import report
from tests.servers.registry import RunningRegistry, running_registry

pytestmark = pytest.mark.cluster

PASSES = 30


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


class Passes:
    """Runs passes by hand, as the queue would: a model's and its builds', until nothing changes any more."""

    def __init__(self, reconciler: Reconciler, admin: Cluster, namespace: str) -> None:
        self.reconciler = reconciler
        self.admin = admin
        self.namespace = namespace

    async def settle(self, name: str = "minilm") -> dict[str, Any]:
        """Return the model once two passes in a row left everything as it was."""
        for _ in range(PASSES):
            before = await self._versions()
            await self.reconciler.reconcile(Key("OptimizedModel", self.namespace, name))
            for build in await self.builds():
                await self.reconciler.reconcile(Key("ModelBuild", self.namespace, build["metadata"]["name"]))
            if await self._versions() == before:
                found = await self.admin.get("OptimizedModel", self.namespace, name)
                assert found is not None
                return found
        pytest.fail(f"still changing after {PASSES} passes")

    async def builds(self) -> list[dict[str, Any]]:
        return await self.admin.select("ModelBuild", self.namespace, {})

    async def of(self, kind: str) -> list[dict[str, Any]]:
        found = await self.admin.select(kind, self.namespace, {})
        return [item for item in found if item["metadata"]["name"] != "kube-root-ca.crt"]

    async def _versions(self) -> list[tuple[str, str]]:
        kinds = ("OptimizedModel", "ModelBuild", "ControllerRevision", "ConfigMap", "Job", "Deployment", "Service")
        found = [item for kind in kinds for item in await self.of(kind)]
        return [(item["metadata"]["uid"], item["metadata"]["resourceVersion"]) for item in found]


@pytest.fixture
async def passes(
    operator_login: Login, cluster: Cluster, namespace: str, registry: RunningRegistry, tmp_path: Path
) -> AsyncIterator[Passes]:
    config = tmp_path / "config.json"
    config.write_text('{"auths": {}}')
    async with ApiServer(operator_login) as api, aiohttp.ClientSession() as session:
        yield Passes(reconciler(api, session, registry.host, config), cluster, namespace)


def reconciler(api: ApiServer, session: aiohttp.ClientSession, host: str, config: Path) -> Reconciler:
    settings = Settings(
        images=Images(operator="operator:1", runtime="runtime:1", triton="triton:1", envoy="envoy:1"),
        registry=Registry(push=host, pull=host, plain_http=True, push_config_file=config),
        sources=Sources(allowed_hosts=("huggingface.co", host), plain_http_hosts=(host,)),
    )
    own, artifacts = Cluster(api, lambda: None), Artifacts(settings.registry)
    return Reconciler(
        cluster=own,
        envoys=Envoys(session),
        pinner=Pinner(own, settings.sources),
        ask_registry=artifacts.ask,
        push_config=artifacts.push_config,
        defaults=defaults_from(settings),
    )


def conditions(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in found["status"]["conditions"]}


async def test_what_the_registry_lacks_is_built_by_one_job(passes: Passes, cluster: Cluster, namespace: str) -> None:
    await cluster.create(model(namespace, source={"pvc": {"claimName": "models"}}))
    found = await passes.settle()
    (build,), (job,) = await passes.builds(), await passes.of("Job")
    assert [owner["name"] for owner in build["metadata"]["ownerReferences"]] == ["minilm"]
    assert job["metadata"]["ownerReferences"][0]["uid"] == build["metadata"]["uid"]
    secret = await cluster.get("Secret", namespace, f"{build['metadata']['name']}-push")
    assert secret is not None
    assert json.loads(base64.b64decode(secret["data"][".dockerconfigjson"])) == {"auths": {}}
    assert secret["metadata"]["ownerReferences"][0]["uid"] == build["metadata"]["uid"]
    assert (found["status"]["phase"], conditions(found)["Reconciling"][1]) == ("Progressing", "Building")
    assert (build["status"]["phase"], build["status"]["job"]) == ("Running", job["metadata"]["name"])


async def test_what_the_registry_has_starts_no_job_and_goes_on_to_its_pods(
    passes: Passes, cluster: Cluster, namespace: str, registry: RunningRegistry, tmp_path: Path
) -> None:
    spec = {"source": {"pvc": {"claimName": "models", "revision": namespace}}, "gates": NO_SPEED}
    await cluster.create(model(namespace, "first", **spec))
    await passes.settle("first")
    (build,), (job,) = await passes.builds(), await passes.of("Job")
    publish(registry, build, tmp_path)
    now = await cluster.get("Job", namespace, job["metadata"]["name"])
    assert now is not None
    await cluster.delete(ObjectRef.of(now))
    found = await passes.settle("first")
    (again,) = await passes.builds()
    assert (again["status"]["phase"], again["status"]["result"]["precision"]) == ("Succeeded", "FP32")
    assert await cluster.get("Secret", namespace, f"{build['metadata']['name']}-push") is None
    revision = found["status"]["targetRevision"]
    names = {item["metadata"]["name"] for item in await passes.of("Deployment")}
    assert names == {f"first-{revision}", "first-proxy"}
    assert await passes.of("Job") == []
    assert conditions(found)["ParityVerified"] == ("True", "GatesPassed")


async def test_retry_builds_again_what_the_registry_lost(
    passes: Passes, cluster: Cluster, namespace: str, registry: RunningRegistry, tmp_path: Path
) -> None:
    await cluster.create(model(namespace, gates=NO_SPEED))
    await passes.settle()
    (build,), (job,) = await passes.builds(), await passes.of("Job")
    publish(registry, build, tmp_path)
    await cluster.delete(ObjectRef.of(job))
    revision = (await passes.settle())["status"]["targetRevision"]

    async def retry(nonce: int) -> list[int]:
        """Return the attempts of the builds that there are after a retry."""
        command = {"metadata": {"annotations": {"modelyard.dev/command": f"retry {revision} {nonce}"}}}
        await cluster.patch("OptimizedModel", namespace, "minilm", command)
        await passes.settle()
        return [build["spec"]["attempt"] for build in await passes.builds()]

    assert await retry(1) == [1], "the registry has it"
    shutil.rmtree(registry.folder / "data" / "docker" / "registry" / "v2" / "repositories" / namespace)
    assert await retry(2) == [2]
    events = await cluster.select("Event", namespace, {})
    told = {event["reason"]: event["message"] for event in events if event["reason"].startswith("Command")}
    assert told["CommandIgnored"] == f"retry {revision} 1: nothing of it failed"
    assert told["CommandDone"].startswith(f"retry {revision} 2: attempt 2 is revision ")


async def test_a_pass_that_fails_is_told_to_whoever_looks_at_the_object(
    operator_login: Login, cluster: Cluster, namespace: str, registry: RunningRegistry, tmp_path: Path
) -> None:
    await cluster.create(model(namespace))
    async with ApiServer(operator_login) as api, aiohttp.ClientSession() as session:
        passes = reconciler(api, session, registry.host, tmp_path / "absent.json")
        for _ in ("its record", "its names", "its build"):
            await passes.reconcile(Key("OptimizedModel", namespace, "minilm"))
        (build,) = await cluster.select("ModelBuild", namespace, {})
        with pytest.raises(FileNotFoundError):
            await passes.reconcile(Key("ModelBuild", namespace, build["metadata"]["name"]))
    told = [event for event in await cluster.select("Event", namespace, {}) if event["reason"] == "PassFailed"]
    assert [event["involvedObject"]["name"] for event in told] == [build["metadata"]["name"]]
    assert "FileNotFoundError" in told[0]["message"]


async def test_a_registry_that_is_away_is_said_and_asked_again(
    operator_login: Login, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text("{}")
    await cluster.create(model(namespace))
    async with ApiServer(operator_login) as api, aiohttp.ClientSession() as session:
        passes = Passes(reconciler(api, session, "127.0.0.1:1", tmp_path / "config.json"), cluster, namespace)
        found = await passes.settle()
        (build,) = await passes.builds()
        again = await passes.reconciler.reconcile(Key("ModelBuild", namespace, build["metadata"]["name"]))
    assert conditions(found)["Ready"] == ("False", "RegistryUnreachable")
    assert again is not None
    assert 1 <= again <= 60
    assert await passes.of("Job") == []


async def test_a_job_that_a_quota_gives_no_pod_says_so_until_it_has_one(
    passes: Passes, cluster: Cluster, namespace: str
) -> None:
    await cluster.create(model(namespace))
    await passes.settle()
    (build,), (job,) = await passes.builds(), await passes.of("Job")
    key = Key("ModelBuild", namespace, build["metadata"]["name"])
    words = 'Error creating: pods "b-1-x7z2p" is forbidden: exceeded quota: team, requested: pods=1'
    await cluster.create(refused_a_pod(job, words))
    other = {**job, "metadata": {**job["metadata"], "uid": "0" * 8}}
    await cluster.create(refused_a_pod(other, "Error creating: another Job's"))
    found = await passes.settle()
    (build,) = await passes.builds()
    assert (build["status"]["phase"], build["status"]["reason"]) == ("Pending", "NoRoom")
    assert "forbidden: exceeded quota: team, requested: pods=1; raise the quota" in build["status"]["message"]
    assert (found["status"]["phase"], conditions(found)["Reconciling"][1]) == ("Progressing", "NoRoom")
    assert await passes.reconciler.reconcile(key) is not None, "it is looked at again"
    template = job["spec"]["template"]
    labels = template["metadata"]["labels"]
    await cluster.create(pod(namespace, "b-1-aaaaa", labels=labels, ownerReferences=[owner(job, controller=True)]))
    found = await passes.settle()
    (build,) = await passes.builds()
    assert (build["status"]["phase"], build["status"]["reason"]) == ("Running", "Building")
    assert conditions(found)["Reconciling"][1] == "Building"
    assert await passes.reconciler.reconcile(key) is None, "a pod tells what becomes of it"
    assert len(await passes.of("Job")) == 1


def refused_a_pod(job: dict[str, Any], message: str) -> dict[str, Any]:
    """Return the Event that the Job controller posts where it can make no pod."""
    metadata = job["metadata"]
    about = {key: metadata[key] for key in ("name", "namespace", "uid")} | {"apiVersion": "batch/v1", "kind": "Job"}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.{metadata['uid'][:8]}", "namespace": metadata["namespace"]},
        "involvedObject": about,
        "type": "Warning",
        "reason": "FailedCreate",
        "message": message,
        "source": {"component": "job-controller"},
        "lastTimestamp": "2026-01-02T03:04:05Z",
    }


async def test_a_service_of_the_models_name_that_is_not_ours_is_left_alone(
    passes: Passes, cluster: Cluster, namespace: str
) -> None:
    theirs = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "minilm", "namespace": namespace},
        "spec": {"ports": [{"port": 80}], "selector": {"app": "theirs"}},
    }
    before = await cluster.create(theirs)
    await cluster.create(model(namespace))
    found = await passes.settle()
    assert conditions(found)["Stalled"] == ("True", "NameTaken")
    assert await passes.builds() == [], "it could not serve what it would cost"
    after = await cluster.get("Service", namespace, "minilm")
    assert after is not None
    assert ObjectRef.of(after) == ObjectRef.of(before)


async def test_an_artifact_of_elsewhere_is_served_without_a_job_once_its_gates_hold(
    passes: Passes, cluster: Cluster, namespace: str, registry: RunningRegistry, tmp_path: Path
) -> None:
    place = f"{registry.host}/staging/build"
    ref = f"{place}@{push_proven(Reference.parse(f'{place}:1'), 'cd' * 32, tmp_path)}"
    source = {"artifact": {"ref": ref}}
    await cluster.create(model(namespace, source=source))
    held = await passes.settle()
    assert conditions(held)["ParityVerified"] == ("False", "TooNoisy"), "its report has no speed"
    assert not any(item["metadata"]["name"].startswith("minilm-") for item in await passes.of("Deployment"))
    await cluster.create(model(namespace, "second", source=source, gates=NO_SPEED))
    found = await passes.settle("second")
    assert await passes.of("Job") == []
    (artifact,) = found["status"]["artifacts"]
    (deployment,) = [
        item for item in await passes.of("Deployment") if item["metadata"]["name"] == f"second-{artifact['revision']}"
    ]
    assert (artifact["ref"], deployment["metadata"]["annotations"]["modelyard.dev/artifact"]) == (ref, ref)
    (pull,) = deployment["spec"]["template"]["spec"]["initContainers"]
    assert pull["command"][2] == ref
    assert "--plain-http" in pull["command"]


async def test_a_secret_for_an_artifact_that_is_not_there_is_told(
    passes: Passes, cluster: Cluster, namespace: str, registry: RunningRegistry
) -> None:
    ref = f"{registry.host}/staging/other@sha256:{'0' * 64}"
    await cluster.create(model(namespace, source={"artifact": {"ref": ref, "pullSecretRef": {"name": "pull"}}}))
    found = await passes.settle()
    assert "there is no Secret pull" in found["status"]["message"]
    metadata = {"name": "pull", "namespace": namespace}
    data = {".dockerconfigjson": base64.b64encode(b'{"auths": {}}').decode()}
    await cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    found = await passes.settle()
    assert f"there is no artifact {ref} with its report" in found["status"]["message"]


async def test_what_is_gone_is_forgotten(passes: Passes, namespace: str) -> None:
    for kind in ("OptimizedModel", "ModelBuild"):
        assert await passes.reconciler.reconcile(Key(kind, namespace, "gone")) is None


async def test_two_models_of_one_build_share_it(passes: Passes, cluster: Cluster, namespace: str) -> None:
    for name in ("one", "two"):
        await cluster.create(model(namespace, name))
        await passes.settle(name)
    (build,) = await passes.builds()
    assert sorted(owner["name"] for owner in build["metadata"]["ownerReferences"]) == ["one", "two"]
    assert len(await passes.of("Job")) == 1


GOOD = Figure(value=1.0, lower=1.0, upper=1.0, samples=320)
NONE = Figure(value=0.0, lower=0.0, upper=0.0, samples=640)
NO_SPEED = {"performance": {"minSpeedup": 0}}


def publish(registry: RunningRegistry, build: dict[str, Any], folder: Path) -> None:
    """Push what the build's Job would, with a report on its inputs."""
    where = build["spec"]["destination"]
    place = Reference.parse(f"{where['repository']}:{where['tag']}")
    assert place.registry == registry.host
    push_proven(place, build["spec"]["key"], folder)


def push_proven(place: Reference, key: str, folder: Path) -> str:
    """Push an artifact with a report that passes every gate but that of speed; return its digest."""
    artifact = folder / "artifact"  # apart from what else is there: it holds a build's files and no others
    (artifact / "1").mkdir(parents=True)
    (artifact / "1" / "model.onnx").write_bytes(b"graph")
    with Repository(place, plain_http=True) as repository:
        described = push(repository, image_of(layers_of(artifact), ARTIFACT_TYPE), place.version)
        figures = dict.fromkeys(("p1Cosine", "neighboursKept", "minCosine", "batchInvariance"), GOOD)
        figures["nonFinite"] = NONE
        attach_report(repository, described, report(key, Parity(dataset="built in", figures=figures)))
    return described.digest
