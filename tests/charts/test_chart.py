"""What the chart makes of its values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.defaults import defaults_from
from modelyard.settings import Settings
from tests.charts.conftest import Render

pytestmark = pytest.mark.cluster


def one(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = (item for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name))
    return found


def settings(objects: list[dict[str, Any]]) -> Settings:
    return Settings.model_validate_json(one(objects, "ConfigMap", "modelyard-operator")["data"]["settings.json"])


def test_the_operator_understands_the_settings_that_it_is_given(render: Render) -> None:
    found = settings(render())
    host = "modelyard-registry.modelyard-system.svc"
    assert (found.registry.push, found.registry.pull, found.registry.plain_http) == (
        f"{host}:5001",
        f"{host}:5000",
        True,
    )
    assert found.sources.allowed_hosts == ("huggingface.co", f"{host}:5000", f"{host}:5001")
    assert found.sources.plain_http_hosts == (f"{host}:5000", f"{host}:5001")
    assert defaults_from(found).images.triton == "ghcr.io/modelyard/triton:0.1.0"


def test_buckets_are_listed_as_their_addresses_begin(render: Render) -> None:
    listed = (
        "s3://models.example",
        "gs://models_2",
        "az://models@acme.blob.core.windows.net",
        "files.example.com:8443",
    )
    endpoint = "http://minio.minio.svc:9000"
    found = settings(render(f"sources.allowedHosts={{{','.join(listed)}}}", f"sources.s3Endpoint={endpoint}")).sources
    assert found.allowed_hosts[: len(listed)] == listed
    assert found.s3_endpoint == endpoint


def test_a_registry_of_ones_own_takes_the_place_of_the_embedded_one(render: Render) -> None:
    objects = render(
        "registry.embedded.enabled=false",
        "registry.external.push=registry.example.com/models",
        "registry.external.pushSecret=push",
        "registry.external.pullSecret=pull",
    )
    found = settings(objects).registry
    assert (found.push, found.pull, found.plain_http, found.pull_secret) == (
        "registry.example.com/models",
        "registry.example.com/models",
        False,
        "pull",
    )
    assert not [item for item in objects if "registry" in item["metadata"]["name"]]
    volumes = one(objects, "Deployment", "modelyard-operator")["spec"]["template"]["spec"]["volumes"]
    assert {"push"} == {volume["secret"]["secretName"] for volume in volumes if "secret" in volume}


def test_a_registry_without_credentials_needs_no_secret(render: Render) -> None:
    objects = render("registry.embedded.enabled=false", "registry.external.push=registry.example.com")
    assert settings(objects).registry.push_config_file is None
    volumes = one(objects, "Deployment", "modelyard-operator")["spec"]["template"]["spec"]["volumes"]
    assert not [volume for volume in volumes if "secret" in volume]


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("registry.embedded.enabled=false", "set registry.external.push"),
        ("operater.replicas=3", "operater"),
        ("operator.replicas=0", "replicas"),
        ("sources.allowedHosts={https://hub.example.com}", "allowedHosts"),
        ("sources.allowedHosts={az://models}", "allowedHosts"),
        ("sources.plainHttpHosts={s3://models}", "plainHttpHosts"),
        ("sources.s3Endpoint=minio.example.com", "s3Endpoint"),
        ("operator.logLevel=loud", "logLevel"),
    ],
)
def test_a_mistake_in_the_values_is_refused_before_anything_is_installed(
    render: Render, setting: str, told: str
) -> None:
    with pytest.raises(RuntimeError, match=told):
        render(setting)


def test_every_value_that_is_documented_is_known_to_the_schema_and_the_reverse(root: Path) -> None:
    chart = root / "charts" / "modelyard"
    values = yaml.safe_load((chart / "values.yaml").read_text())
    schema = json.loads((chart / "values.schema.json").read_text())

    def paths(node: object, prefix: str = "") -> set[str]:
        if not isinstance(node, dict) or not node:
            return {prefix}
        return {path for key, child in node.items() for path in paths(child, f"{prefix}.{key}")}

    def known(node: dict[str, Any], prefix: str = "") -> set[str]:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node
        if "properties" not in node or set(node["properties"]) == {"requests", "limits"}:
            return {prefix}
        return {path for key, child in node["properties"].items() for path in known(child, f"{prefix}.{key}")}

    documented = {path.split(".requests")[0].split(".limits")[0] for path in paths(values)}
    assert documented == known(schema) - {".global"}


def test_the_crds_are_those_of_the_types_and_stay_unless_told_otherwise(render: Render, root: Path) -> None:
    files = [yaml.safe_load(file.read_text()) for file in root.glob("crds/*.yaml")]
    generated = {item["metadata"]["name"]: item for item in files}
    rendered = [item for item in render() if item["kind"] == "CustomResourceDefinition"]
    assert [item["metadata"].pop("annotations") for item in rendered] == [{"helm.sh/resource-policy": "keep"}] * 2
    assert {item["metadata"]["name"]: item for item in rendered} == generated
    kept = [item for item in render("crds.keep=false") if item["kind"] == "CustomResourceDefinition"]
    assert not any("annotations" in item["metadata"] for item in kept)
    assert not [item for item in render("crds.install=false") if item["kind"] == "CustomResourceDefinition"]


def test_no_one_but_builds_may_push(render: Render) -> None:
    """Two processes on one volume: who can reach the first can read, and the second asks for the password."""
    objects = render()
    configuration = one(objects, "ConfigMap", "modelyard-registry")["data"]
    read, write = yaml.safe_load(configuration["read.yml"]), yaml.safe_load(configuration["write.yml"])
    assert read["storage"]["maintenance"]["readonly"] == {"enabled": True}
    assert "htpasswd" in write["auth"]
    containers = one(objects, "Deployment", "modelyard-registry")["spec"]["template"]["spec"]["containers"]
    mounts = {c["name"]: {m["name"]: m.get("readOnly", False) for m in c["volumeMounts"]} for c in containers}
    assert (mounts["read"]["artifacts"], "auth" in mounts["read"]) == (True, False)


def test_secrets_are_never_listed(render: Render) -> None:
    rules = [rule for item in render() if "rules" in item for rule in item["rules"]]
    verbs = {verb for rule in rules if "secrets" in rule["resources"] for verb in rule["verbs"]}
    assert verbs == {"get", "create", "delete"}
    assert not any("*" in rule["verbs"] + rule["resources"] + rule["apiGroups"] for rule in rules)


def test_who_edits_a_namespace_works_with_models_and_may_throw_builds_away(render: Render) -> None:
    role = one(render(), "ClusterRole", "modelyard-edit")
    verbs = {resource: set(rule["verbs"]) for rule in role["rules"] for resource in rule["resources"]}
    assert verbs["optimizedmodels"] >= {"get", "list", "watch", "create", "update", "patch", "delete"}
    assert verbs["modelbuilds"] == {"get", "list", "watch", "delete"}


def test_every_pod_is_locked_down(render: Render) -> None:
    deployments = [item["spec"]["template"]["spec"] for item in render() if item["kind"] == "Deployment"]
    assert len(deployments) == 2
    for pod in deployments:
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"]
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert not security["allowPrivilegeEscalation"]


def test_settings_that_change_restart_the_operator(render: Render) -> None:
    def checksum(*given: str) -> str:
        template = one(render(*given), "Deployment", "modelyard-operator")["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/settings"])

    assert checksum() == checksum()
    assert checksum() != checksum("images.runtime.tag=other")
