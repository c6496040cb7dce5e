"""What we make, word by word (golden files), and what must hold of every pod of ours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.api.build import ModelBuildSpec
from modelyard.api.pod import ResourcesSpec
from modelyard.contract.choices import INPUTS, Engine, Precision, Task
from modelyard.manifests.deployment import revision_deployment
from modelyard.manifests.metadata import model_owner
from modelyard.manifests.modelbuild import build_manifest
from modelyard.manifests.overlay import merged_resources
from modelyard.manifests.revision import Revision
from modelyard.pins import ArtifactPin
from modelyard.snapshot import snapshot_of
from tests.modelyard.manifests.samples import (
    DIGEST,
    RESOURCES,
    adapters,
    build_job,
    build_spec,
    everything,
    snapshot,
    stores,
)
from tests.servers.apiserver import RunningApiServer

GOLDEN = Path(__file__).parent / "golden"
MANIFESTS = everything()
PODS = {word: found["spec"]["template"] for word, found in MANIFESTS.items() if "template" in found.get("spec", {})}
PATHS = {
    "ControllerRevision": "/apis/apps/v1/namespaces/{}/controllerrevisions",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "ModelBuild": "/apis/modelyard.dev/v1alpha1/namespaces/{}/modelbuilds",
}


@pytest.mark.parametrize("word", MANIFESTS)
def test_manifest_is_as_agreed(word: str) -> None:
    """To agree to a change: UPDATE_GOLDEN=1 pytest tests/modelyard/manifests, then read the difference."""
    file = GOLDEN / f"{word}.yaml"
    text = yaml.safe_dump(MANIFESTS[word], sort_keys=False, width=120)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.cluster
@pytest.mark.parametrize("word", MANIFESTS)
def test_api_server_takes_it_without_a_warning(word: str, api_server: RunningApiServer, namespace: str) -> None:
    manifest = everything(namespace)[word]
    with api_server.admin() as admin:
        path = PATHS[manifest["kind"]].format(namespace)
        answer = admin.post(path, json=manifest, params={"dryRun": "All", "fieldValidation": "Strict"})
    assert answer.is_success, answer.json()["message"]
    assert "Warning" not in answer.headers, answer.headers["Warning"]


@pytest.mark.cluster
@pytest.mark.parametrize("source", [None, *stores().values()], ids=lambda source: str(source)[:40])
def test_a_build_reads_back_as_it_was_asked(
    source: dict[str, Any] | None, api_server: RunningApiServer, namespace: str
) -> None:
    """Else a build that is stuck would be made anew for ever: it is compared with what is wanted of it."""
    resources = ResourcesSpec.model_validate({"limits": {"cpu": "1500m", "memory": "2Gi"}, "requests": {"cpu": 1}})
    asked = build_spec(source, adapters()).model_copy(update={"resources": resources})
    with api_server.admin() as admin:
        path = PATHS["ModelBuild"].format(namespace)
        answer = admin.post(path, json=build_manifest(namespace, asked), params={"dryRun": "All"})
    assert answer.is_success, answer.json()["message"]
    assert ModelBuildSpec.model_validate(answer.json()["spec"]) == asked


@pytest.mark.cluster
@pytest.mark.parametrize("word", PODS)
def test_pod_security_restricted_takes_every_pod(word: str, api_server: RunningApiServer, namespace: str) -> None:
    with api_server.admin() as admin:
        label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
        merge = {"Content-Type": "application/merge-patch+json"}
        admin.patch(f"/api/v1/namespaces/{namespace}", json=label, headers=merge).raise_for_status()
        account = {"metadata": {"name": "default"}}
        admin.post(f"/api/v1/namespaces/{namespace}/serviceaccounts", json=account)
        template = PODS[word]
        pod = {"apiVersion": "v1", "kind": "Pod", "spec": template["spec"]}
        pod["metadata"] = {"name": "pod", "labels": template["metadata"]["labels"]}
        answer = admin.post(f"/api/v1/namespaces/{namespace}/pods", json=pod, params={"dryRun": "All"})
    assert answer.is_success, answer.json()["message"]


def containers(template: dict[str, Any]) -> list[dict[str, Any]]:
    return [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]


@pytest.mark.parametrize("word", PODS)
def test_no_pod_has_a_token_and_no_container_writes_its_root(word: str) -> None:
    assert PODS[word]["spec"]["automountServiceAccountToken"] is False
    for container in containers(PODS[word]):
        assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_server_asks_for_no_more_memory_than_the_user_allows() -> None:
    small = build_job(ResourcesSpec(limits={"memory": "64Mi"}))
    server = next(c for c in containers(small["spec"]["template"]) if c["name"] == "server")
    assert server["resources"] == {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}


def test_our_labels_win_over_the_users() -> None:
    labels = PODS["revision-deployment"]["metadata"]["labels"]
    assert (labels["team"], labels["modelyard.dev/model"]) == ("search", "minilm")


def test_a_promoted_artifact_is_pulled_where_it_is_with_the_users_secret() -> None:
    pin = ArtifactPin(repository="registry.example.com/staging/b", digest=DIGEST, plain_http=True, pull_secret="theirs")  # noqa: S106 - a name
    build = snapshot().build.model_copy(update={"source": pin})
    revision = Revision(
        owner=model_owner("n", "minilm", "uid"),
        snapshot=snapshot_of(build, snapshot().serving, attempt=1, proxy_image="envoy:1"),
        digest=DIGEST,
        engine=Engine.OPENVINO,
        precision=Precision.BF16,
        task=Task.EMBEDDING,
        inputs=INPUTS,
        replicas=1,
    )
    spec = revision_deployment(revision)["spec"]["template"]["spec"]
    (pull,) = spec["initContainers"]
    assert pull["command"][2] == f"registry.example.com/staging/b@{DIGEST}"
    assert "--plain-http" in pull["command"]
    assert [volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume] == ["theirs"]


def test_each_adapter_is_read_by_a_container_that_sees_no_other_s_secret() -> None:
    template = PODS["build-job-adapters"]
    owners = {v["name"]: v["secret"]["secretName"] for v in template["spec"]["volumes"] if "secret" in v}
    seen = {}
    for container in containers(template):
        mounted = {owners[mount["name"]] for mount in container["volumeMounts"] if mount["name"] in owners}
        named = {
            variable["valueFrom"]["secretKeyRef"]["name"]
            for variable in container.get("env", [])
            if "valueFrom" in variable
        }
        seen[container["name"]] = mounted | named
    assert seen.pop("publish")
    with_secret = {name: secrets for name, secrets in seen.items() if secrets}
    assert with_secret == {"fetch": {"hf"}, "fetch-support": {"theirs"}}
    assert seen.keys() == {"fetch", "fetch-support", "fetch-tone", "server", "convert"}
    refusing = MANIFESTS["build-job-adapters"]["spec"]["podFailurePolicy"]["rules"]
    told = {rule["onExitCodes"]["containerName"] for rule in refusing if "onExitCodes" in rule}
    assert told == {"fetch", "fetch-support", "fetch-tone", "convert", "publish"}


@pytest.mark.parametrize("word", ["build-job", "build-job-object-store"])
def test_only_fetch_and_publish_have_secrets(word: str) -> None:
    with_secret = set()
    secrets = {volume["name"] for volume in PODS[word]["spec"]["volumes"] if "secret" in volume}
    for container in containers(PODS[word]):
        mounted = {mount["name"] for mount in container["volumeMounts"]} & secrets
        if mounted or any("valueFrom" in variable for variable in container.get("env", [])):
            with_secret.add(container["name"])
    assert with_secret == {"fetch", "publish"}


@pytest.mark.parametrize(
    ("scheme", "keys"),
    [
        ("s3", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"]),
        ("gs", ["key.json"]),
        ("az", ["AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN"]),
        ("https", ["token"]),
    ],
)
def test_fetch_reads_no_key_of_a_store_s_secret_but_its_credentials(scheme: str, keys: list[str]) -> None:
    template = build_job(RESOURCES, source=stores()[scheme])["spec"]["template"]
    fetch = next(c for c in containers(template) if c["name"] == "fetch")
    read = [variable["valueFrom"]["secretKeyRef"] for variable in fetch["env"] if "valueFrom" in variable]
    assert read == [{"name": "store", "key": key, "optional": True} for key in keys]


@pytest.mark.parametrize(
    ("theirs", "merged"),
    [
        ({}, {"requests": {"memory": "2Gi"}, "limits": {"memory": "4Gi"}}),
        ({"limits": {"memory": "1Gi"}}, {"requests": {}, "limits": {"memory": "1Gi"}}),
        ({"requests": {"memory": "8Gi"}}, {"requests": {"memory": "8Gi"}, "limits": {}}),
    ],
)
def test_a_default_never_contradicts_what_the_user_set(theirs: dict[str, Any], merged: dict[str, Any]) -> None:
    ours = ResourcesSpec(requests={"memory": "2Gi"}, limits={"memory": "4Gi"})
    found = merged_resources(ResourcesSpec.model_validate(theirs), ours)
    assert found.to_dict() == merged
