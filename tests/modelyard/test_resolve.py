"""Pinning a source: against a hub with the real one's paths, a real registry, and Secrets of a real API server."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import kopf
import pytest
from aiohttp import web

from modelyard.api.model import OptimizedModelSpec
from modelyard.api.proof import ConfigMapKeyRef, DatasetSpec
from modelyard.api.source import (
    AdapterSource,
    ArtifactSource,
    HuggingFaceSource,
    ObjectStoreSource,
    OciSource,
    PvcSource,
    SecretKeyRef,
    SecretRef,
    Source,
)
from modelyard.apiserver import ApiServer, Login
from modelyard.artifacts import digest_of_tag
from modelyard.cluster import Cluster
from modelyard.contract.dataset import FEWEST, digest_of
from modelyard.hub import Hub as HubClient
from modelyard.oci.artifact import MODEL_TYPE, image_of, push
from modelyard.oci.client import Repository
from modelyard.oci.layers import layers_of
from modelyard.oci.reference import Reference
from modelyard.pins import (
    AdapterPin,
    ArtifactPin,
    DatasetPin,
    HuggingFacePin,
    ObjectStorePin,
    OciPin,
    Pin,
    Pins,
    PvcPin,
)
from modelyard.reasons import Reason
from modelyard.resolve import Pinner
from modelyard.settings import Sources
from modelyard.state.observed import PinFailed
from tests.modelyard.oci.faulty import Answer, faulty_registry
from tests.servers.apiserver import RunningApiServer
from tests.servers.hub import Hub, running_hub
from tests.servers.ports import free_ports
from tests.servers.registry import RunningRegistry, running_registry

pytestmark = pytest.mark.cluster

# htpasswd -nbB modelyard secret
ACCOUNT = "modelyard:$2y$05$Ry3ACpaFUp6jkIsuLrXG..iFHf9WUCNR7sQUPeuzxTQGhO7sK/p8i"
DIGEST = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder, as far as pinning looks."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "config.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def hub(folder: Path) -> Iterator[Hub]:
    with running_hub(folder, address="127.0.0.1") as hub:
        yield hub


@pytest.fixture(scope="module")
def registry(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """A registry with ``models/open:1``."""
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        with Repository(Reference.parse(f"{registry.host}/models/open"), plain_http=True) as repository:
            push(repository, image_of(layers_of(folder), MODEL_TYPE), "1")
        yield registry


@pytest.fixture
def pinner(cluster: Cluster, hub: Hub, registry: RunningRegistry) -> Pinner:
    hosts = (hub.endpoint.removeprefix("http://"), registry.host)
    return Pinner(cluster, Sources(allowed_hosts=hosts, plain_http_hosts=hosts, hugging_face_endpoint=hub.endpoint))


def hugging_face(repo: str, revision: str = "main", named: str | None = None, key: str = "token") -> Source:
    token = SecretKeyRef(name=named, key=key) if named else None
    return Source(hugging_face=HuggingFaceSource(repo=repo, revision=revision, token_secret_ref=token))


def oci(ref: str, secret: str | None = None) -> Source:
    return Source(oci=OciSource(ref=ref, pull_secret_ref=SecretRef(name=secret) if secret else None))


async def secret(cluster: Cluster, namespace: str, name: str, **data: bytes) -> None:
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    metadata = {"name": name, "namespace": namespace}
    await cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded})


def failed(pin: Pin | PinFailed) -> PinFailed:
    assert isinstance(pin, PinFailed)
    return pin


async def test_a_branch_is_pinned_to_its_commit(pinner: Pinner, namespace: str, hub: Hub) -> None:
    pin = await pinner.pin(namespace, hugging_face("tests/tiny"))
    assert pin == HuggingFacePin(repo="tests/tiny", commit=hub.commit, endpoint=hub.endpoint)


async def test_a_commit_asks_nobody(pinner: Pinner, namespace: str, hub: Hub) -> None:
    before = len(hub.asked)
    pin = await pinner.pin(namespace, hugging_face("anyone/anything", "1234567890" * 4))
    assert isinstance(pin, HuggingFacePin)
    assert (pin.commit, len(hub.asked)) == ("1234567890" * 4, before)


async def test_a_token_is_read_from_the_models_own_namespace(
    pinner: Pinner, cluster: Cluster, namespace: str, hub: Hub
) -> None:
    await secret(cluster, namespace, "hub", token=hub.token.encode() + b"\n")
    pin = await pinner.pin(namespace, hugging_face("tests/gated", named="hub"))
    expected = HuggingFacePin(repo="tests/gated", commit=hub.commit, endpoint=hub.endpoint)
    assert pin == expected.model_copy(update={"token_secret": "hub", "token_key": "token"})


@pytest.mark.parametrize(
    ("repo", "revision", "reason", "fix"),
    [
        ("tests/absent", "main", Reason.SOURCE_NOT_FOUND, "correct spec.source.huggingFace.repo"),
        ("tests/tiny", "v9", Reason.SOURCE_NOT_FOUND, "correct spec.source.huggingFace.revision"),
    ],
)
async def test_what_the_hub_does_not_have(
    pinner: Pinner, namespace: str, repo: str, revision: str, reason: Reason, fix: str
) -> None:
    failure = failed(await pinner.pin(namespace, hugging_face(repo, revision)))
    assert failure.reason is reason
    assert fix in failure.message


async def test_tokens_that_are_missing_or_wrong_say_the_fix(pinner: Pinner, cluster: Cluster, namespace: str) -> None:
    source = hugging_face("tests/gated", named="hub", key="hf")
    messages = [failed(await pinner.pin(namespace, source)).message]
    await secret(cluster, namespace, "hub", other=b"x")
    messages.append(failed(await pinner.pin(namespace, source)).message)
    await secret(cluster, namespace, "binary", hf=b"\xff\xfe")
    messages.append(failed(await pinner.pin(namespace, hugging_face("tests/gated", named="binary", key="hf"))).message)
    await secret(cluster, namespace, "wrong", hf=b"hf_wrong")
    failure = failed(await pinner.pin(namespace, hugging_face("tests/gated", named="wrong", key="hf")))
    messages.append(failure.message)
    fixes = ["create it with the key hf", "has no key hf", "store the token as text", "use another token"]
    assert [fix in message for fix, message in zip(fixes, messages, strict=True)] == [True] * 4
    assert failure.reason is Reason.SOURCE_UNAUTHORIZED


async def test_a_host_that_is_not_allowed_is_not_asked(cluster: Cluster, namespace: str, hub: Hub) -> None:
    before = len(hub.asked)
    pinner = Pinner(cluster, Sources(hugging_face_endpoint=hub.endpoint))
    image = "registry.example.com/models/open"
    pinned = hugging_face("tests/tiny", hub.commit), oci(f"{image}@{DIGEST}")
    for source in (hugging_face("tests/tiny"), oci(f"{image}:1"), *pinned):
        failure = failed(await pinner.pin(namespace, source))
        assert failure.reason is Reason.HOST_NOT_ALLOWED
        assert "allowed: huggingface.co" in failure.message
        assert "sources.allowedHosts" in failure.message
    assert len(hub.asked) == before


async def test_plain_http_is_spoken_only_where_settings_say_so(cluster: Cluster, namespace: str, hub: Hub) -> None:
    host = hub.endpoint.removeprefix("http://")
    pinner = Pinner(cluster, Sources(hugging_face_endpoint=hub.endpoint, allowed_hosts=(host,)))
    for revision in ("main", hub.commit):
        failure = failed(await pinner.pin(namespace, hugging_face("tests/tiny", revision)))
        assert (failure.reason, "plainHttpHosts" in failure.message) == (Reason.HOST_NOT_ALLOWED, True)


async def test_a_hub_that_does_not_answer_is_asked_again() -> None:
    (port,) = free_ports(1)
    failure = await HubClient(endpoint=f"http://127.0.0.1:{port}").commit("org/name", "main")
    assert isinstance(failure, PinFailed)
    assert failure.reason is Reason.SOURCE_UNREACHABLE


async def test_a_tag_is_pinned_to_its_digest(pinner: Pinner, namespace: str, registry: RunningRegistry) -> None:
    pin = await pinner.pin(namespace, oci(f"{registry.host}/models/open:1"))
    assert isinstance(pin, OciPin)
    assert (pin.repository, pin.plain_http, pin.digest[:7]) == (f"{registry.host}/models/open", True, "sha256:")
    again = await pinner.pin(namespace, oci(f"{registry.host}/models/open@{pin.digest}"))
    assert again == pin


async def test_a_digest_asks_nobody(cluster: Cluster, namespace: str) -> None:
    pinner = Pinner(cluster, Sources(allowed_hosts=("registry.example.com",)))
    pin = await pinner.pin(namespace, oci(f"registry.example.com/models/open@{DIGEST}", "pull"))
    assert isinstance(pin, OciPin)
    assert (pin.repository, pin.digest, pin.pull_secret) == ("registry.example.com/models/open", DIGEST, "pull")


async def test_a_tag_that_is_not_there(pinner: Pinner, namespace: str, registry: RunningRegistry) -> None:
    failure = failed(await pinner.pin(namespace, oci(f"{registry.host}/models/open:2")))
    assert (failure.reason, "modelyard push" in failure.message) == (Reason.SOURCE_NOT_FOUND, True)


async def test_a_registry_that_asks_for_credentials(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    with running_registry(tmp_path, htpasswd=ACCOUNT) as registry:
        hosts = (registry.host,)
        pinner = Pinner(cluster, Sources(allowed_hosts=hosts, plain_http_hosts=hosts))
        failure = failed(await pinner.pin(namespace, oci(f"{registry.host}/models/private:1")))
        assert (failure.reason, "pullSecretRef" in failure.message) == (Reason.SOURCE_UNAUTHORIZED, True)
        failure = failed(await pinner.pin(namespace, oci(f"{registry.host}/models/private:1", "pull")))
        assert "there is no Secret pull" in failure.message
    failure = failed(await pinner.pin(namespace, oci(f"{registry.host}/models/private:1")))
    assert failure.reason is Reason.SOURCE_UNREACHABLE


async def test_an_artifact_is_taken_by_its_digest_where_it_may_come_from(cluster: Cluster, namespace: str) -> None:
    """Nobody is asked: who promotes what is gone is told by the build."""
    secret = SecretRef(name="pull")
    source = Source(artifact=ArtifactSource(ref=f"registry.example.com/n/build@{DIGEST}", pull_secret_ref=secret))
    pin = await Pinner(cluster, Sources(allowed_hosts=("registry.example.com",))).pin(namespace, source)
    assert pin == ArtifactPin(repository="registry.example.com/n/build", digest=DIGEST, pull_secret="pull")  # noqa: S106 - a name
    failure = failed(await Pinner(cluster, Sources()).pin(namespace, source))
    assert (failure.reason, "sources.allowedHosts" in failure.message) == (Reason.HOST_NOT_ALLOWED, True)


async def test_a_claim_is_taken_as_written(pinner: Pinner, namespace: str) -> None:
    source = Source(pvc=PvcSource(claim_name="models", path="minilm", revision="2"))
    assert await pinner.pin(namespace, source) == PvcPin(claim_name="models", path="minilm", revision="2")


def object_store(url: str, **fields: str) -> Source:
    secret = SecretRef(name=fields["secret"]) if "secret" in fields else None
    revision = fields.get("revision", "")
    return Source(object_store=ObjectStoreSource(url=url, revision=revision, credentials_secret_ref=secret))


STORES = ("s3://models", "gs://models", "az://models@acme.blob.core.windows.net", "files.example.com")
URLS = tuple(f"{store}/minilm/" if "://" in store else f"https://{store}/minilm/" for store in STORES)


@pytest.mark.parametrize("url", URLS)
async def test_a_folder_of_a_store_is_taken_as_written(cluster: Cluster, namespace: str, url: str) -> None:
    """Nobody is asked: a Secret that isn't there is the build's to tell."""
    sources = Sources(allowed_hosts=STORES, s3_endpoint="https://minio.example.com/")
    pin = await Pinner(cluster, sources).pin(namespace, object_store(url, revision="2", secret="absent"))  # noqa: S106 - a name
    endpoint = "https://minio.example.com" if url.startswith("s3") else ""
    named = {"credentials_secret": "absent"}
    assert pin == ObjectStorePin(url=url, revision="2", endpoint=endpoint, **named)


@pytest.mark.parametrize(
    "url",
    [
        "s3://models2/minilm",
        "gs://other/minilm",
        "az://models@evil.blob.core.windows.net/minilm",  # as anybody can make one
        "https://files.example.com:8443/minilm",
        "https://models/minilm",
    ],
)
async def test_a_bucket_that_is_not_allowed(cluster: Cluster, namespace: str, url: str) -> None:
    failure = failed(await Pinner(cluster, Sources(allowed_hosts=STORES)).pin(namespace, object_store(url)))
    assert failure.reason is Reason.HOST_NOT_ALLOWED
    assert "allowed: s3://models, gs://models" in failure.message
    assert "sources.allowedHosts" in failure.message


async def test_a_store_is_asked_without_tls_only_where_settings_say_so(cluster: Cluster, namespace: str) -> None:
    host, http, s3 = "minio:9000", object_store("http://minio:9000/m"), object_store("s3://models/m")
    settings = Sources(allowed_hosts=(*STORES, host), s3_endpoint=f"http://{host}")
    for source in (http, s3):
        failure = failed(await Pinner(cluster, settings).pin(namespace, source))
        assert (failure.reason, "sources.plainHttpHosts" in failure.message) == (Reason.HOST_NOT_ALLOWED, True)
    settings = settings.model_copy(update={"plain_http_hosts": (host,)})
    for source in (http, s3):
        assert isinstance(await Pinner(cluster, settings).pin(namespace, source), ObjectStorePin)


async def config_map(cluster: Cluster, namespace: str, name: str, **fields: object) -> None:
    metadata = {"name": name, "namespace": namespace}
    await cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **fields})


def texts_of(name: str, key: str = "texts.txt", column: str = "text") -> DatasetSpec:
    return DatasetSpec(config_map_ref=ConfigMapKeyRef(name=name, key=key), column=column)


async def test_a_dataset_is_pinned_to_its_digest(pinner: Pinner, cluster: Cluster, namespace: str) -> None:
    data = "\n".join(f"text {number} é" for number in range(FEWEST))
    await config_map(cluster, namespace, "texts", data={"texts.txt": data})
    pin = await pinner.dataset(namespace, texts_of("texts"))
    assert pin == DatasetPin(config_map="texts", key="texts.txt", column="text", digest=digest_of(data.encode()))
    encoded = base64.b64encode(data.encode()).decode()
    await config_map(cluster, namespace, "binary", binaryData={"texts.txt": encoded})
    same = await pinner.dataset(namespace, texts_of("binary"))
    assert isinstance(same, DatasetPin)
    assert same.digest == pin.digest


async def test_a_dataset_that_proves_nothing_is_told_before_a_build(
    pinner: Pinner, cluster: Cluster, namespace: str
) -> None:
    await config_map(cluster, namespace, "few", data={"texts.txt": "one\ntwo", "other.txt": "three"})
    await config_map(cluster, namespace, "none")
    told = {
        texts_of("absent"): "there is no ConfigMap absent of namespace",
        texts_of("few"): "texts.txt has 2 different texts, and a proof needs 460",
        texts_of("few", "t.csv"): "has no key t.csv (it has other.txt and texts.txt); add it, or name another key",
        texts_of("none"): "has no key texts.txt (it has none); add it",
    }
    for dataset, words in told.items():
        failure = await pinner.dataset(namespace, dataset)
        assert isinstance(failure, PinFailed)
        assert failure.reason is Reason.DATASET_INVALID
        assert words in failure.message


def merging(*adapters: AdapterSource) -> OptimizedModelSpec:
    return OptimizedModelSpec(source=Source(pvc=PvcSource(claim_name="models"), merge_adapters=list(adapters)))


async def test_adapters_are_pinned_in_their_order(pinner: Pinner, namespace: str, hub: Hub) -> None:
    hubs = AdapterSource(name="hubs", scale=0.5, hugging_face=HuggingFaceSource(repo="tests/tiny"))
    ours = AdapterSource(name="ours", pvc=PvcSource(claim_name="adapters"))
    pins = await pinner.pins(namespace, merging(hubs, ours))
    commit = HuggingFacePin(repo="tests/tiny", commit=hub.commit, endpoint=hub.endpoint)
    assert pins == Pins(
        source=PvcPin(claim_name="models"),
        adapters=(
            AdapterPin(name="hubs", scale=0.5, source=commit),
            AdapterPin(name="ours", source=PvcPin(claim_name="adapters")),
        ),
    )


async def test_an_adapter_that_can_t_be_pinned_is_named(pinner: Pinner, namespace: str) -> None:
    absent = AdapterSource(name="support", hugging_face=HuggingFaceSource(repo="tests/absent"))
    failure = await pinner.pins(namespace, merging(absent))
    assert isinstance(failure, PinFailed)
    assert failure.reason is Reason.SOURCE_NOT_FOUND
    assert failure.message.startswith("adapter support: ")


async def test_a_source_of_a_newer_version_is_not_guessed(pinner: Pinner, namespace: str) -> None:
    assert failed(await pinner.pin(namespace, Source())).reason is Reason.SPEC_NOT_UNDERSTOOD


async def test_an_operator_without_the_right_to_secrets_says_so(
    cluster: Cluster, rightless: Login, namespace: str, hub: Hub
) -> None:
    await secret(cluster, namespace, "hub", token=b"hf_accepted")
    hosts = (hub.endpoint.removeprefix("http://"),)
    sources = Sources(allowed_hosts=hosts, plain_http_hosts=hosts, hugging_face_endpoint=hub.endpoint)
    async with ApiServer(rightless) as api:
        pinner = Pinner(Cluster(api, lambda: None), sources)
        failure = failed(await pinner.pin(namespace, hugging_face("tests/gated", named="hub")))
    assert failure.reason is Reason.SOURCE_UNAUTHORIZED
    assert "may not read Secret hub" in failure.message
    assert "let its ClusterRole get Secrets" in failure.message


@pytest.fixture
async def rightless(api: ApiServer, bare_api_server: RunningApiServer, namespace: str) -> Login:
    """Credentials of a ServiceAccount that no role is bound to."""
    accounts = f"api/v1/namespaces/{namespace}/serviceaccounts"
    await api.request("POST", accounts, body={"metadata": {"name": "rightless"}})
    answer = await api.request("POST", f"{accounts}/rightless/token", body={"spec": {"expirationSeconds": 3600}})
    info = kopf.ConnectionInfo(server=bare_api_server.url, token=answer["status"]["token"], insecure=True)
    return lambda: info


@asynccontextmanager
async def moved(target: str) -> AsyncIterator[str]:
    """Run a hub that answers each question for a repository with a redirect to ``target``, once."""

    async def answer(request: web.Request) -> web.Response:
        if request.path.startswith("/api/models/old/name/"):
            raise web.HTTPTemporaryRedirect(target)
        if request.path.startswith("/api/models/round/"):
            raise web.HTTPTemporaryRedirect(request.path)
        return web.json_response({"sha": "ab" * 20})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        *((status, Reason.SOURCE_UNREACHABLE) for status in (408, 429, 500, 503)),
        *((status, Reason.SOURCE_UNAUTHORIZED) for status in (401, 403)),
        *((status, Reason.SOURCE_NOT_FOUND) for status in (400, 404, 410, 451)),
    ],
)
async def test_a_hub_s_status_means_to_the_operator_what_it_means_to_a_build(status: int, reason: Reason) -> None:
    with faulty_registry(lambda *_: Answer(status=status)) as hub:
        failure = await HubClient(endpoint=f"http://{hub.host}").commit("org/name", "main")
    assert isinstance(failure, PinFailed)
    assert failure.reason is reason


async def test_a_registry_that_refuses_a_source_is_not_called_unreachable() -> None:
    for status, reason in ((405, Reason.SOURCE_INVALID), (408, Reason.SOURCE_UNREACHABLE)):
        with faulty_registry(lambda *_, status=status: Answer(status=status)) as registry:
            failure = await digest_of_tag(f"{registry.host}/models/m:1", docker_config=None, plain_http=True)
        assert isinstance(failure, PinFailed)
        assert failure.reason is reason


async def test_a_repository_that_was_renamed_is_followed_on_the_same_host() -> None:
    async with moved("/api/models/new/name/revision/main") as endpoint:
        assert await HubClient(endpoint=endpoint).commit("old/name", "main") == "ab" * 20


@pytest.mark.parametrize(
    ("repo", "told"), [("old/name", "redirects to another host, evil.example.com"), ("round/trip", "redirects")]
)
async def test_nobody_is_led_elsewhere(repo: str, told: str) -> None:
    async with moved("https://evil.example.com/api/models/new/name") as endpoint:
        failure = await HubClient(endpoint=endpoint, token="hf").commit(repo, "main")  # noqa: S106 - of nobody
    assert isinstance(failure, PinFailed)
    assert failure.reason is Reason.SOURCE_UNREACHABLE
    assert told in failure.message
