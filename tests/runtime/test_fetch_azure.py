"""Fetching from Azure's store, by its real names: a proxy leads them to the one that runs here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.blob import ContainerSasPermissions, ContentSettings, PublicAccess, generate_container_sas

from modelyard.contract.request import ObjectStoreFiles
from modelyard.contract.steps import BuildReason, ExitCode
from tests.runtime.folders import files_of
from tests.runtime.steps import Steps, build_request
from tests.runtime.stores import BLOCK_BYTES, MIB, WEIGHTS_BYTES, refused, used, with_large_weights
from tests.servers.azure import ACCOUNT, CONTAINER, HOST, KEY, RunningAzure, running_azure
from tests.servers.files import trust
from tests.servers.relay import Relay, running_relay

pytestmark = pytest.mark.timeout(1800)  # the first of them installs the server, where it isn't in the cache

URL = f"az://{CONTAINER}@{HOST}"


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[RunningAzure]:
    """A server with the model below ``m/``."""
    with running_azure(tmp_path_factory.mktemp("azure")) as server:
        server.upload(model, "m/")
        yield server


@pytest.fixture
def proxy(azure: RunningAzure) -> Iterator[Relay]:
    """What leads Azure's names to the server."""
    with running_relay(azure.host, proxy=True) as relay:
        yield relay


def led(azure: RunningAzure, proxy: Relay, **credentials: str) -> dict[str, str]:
    """Return the environment of a step."""
    return {**trust(azure.certificate), "HTTPS_PROXY": f"http://{proxy.host}", **credentials}


def read_only() -> str:
    """Return a token that may read blobs, and not even list them."""
    until = datetime.now(UTC) + timedelta(hours=1)
    may = ContainerSasPermissions(read=True)
    return generate_container_sas(ACCOUNT, CONTAINER, account_key=KEY, permission=may, expiry=until)


@pytest.mark.parametrize("with_token", [False, True], ids=["key", "token"])
def test_a_folder_of_a_container(
    steps: Steps, azure: RunningAzure, proxy: Relay, model: Path, *, with_token: bool
) -> None:
    secret = {"AZURE_STORAGE_SAS_TOKEN": read_only()} if with_token else {"AZURE_STORAGE_ACCOUNT_KEY": KEY}
    ended = steps.run("fetch", build_request(ObjectStoreFiles(url=f"{URL}/m/")), **led(azure, proxy, **secret))
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(model)
    assert set(proxy.asked) == {f"{HOST}:443"}


def test_a_public_container_asks_for_nothing_and_another_says_no_word(
    steps: Steps, azure: RunningAzure, proxy: Relay
) -> None:
    request = build_request(ObjectStoreFiles(url=f"{URL}/m"))
    ended = steps.run("fetch", request, **led(azure, proxy))
    assert ended.code == ExitCode.REFUSED
    assert "AZURE_STORAGE_ACCOUNT_KEY" in ended.termination.message
    azure.container.set_container_access_policy({}, public_access=PublicAccess.BLOB)
    try:
        ended = steps.run("fetch", request, **led(azure, proxy))
    finally:
        azure.container.set_container_access_policy({})
    assert ended.code == ExitCode.OK, ended.log


def test_a_key_that_does_not_fit(steps: Steps, azure: RunningAzure, proxy: Relay) -> None:
    environment = led(azure, proxy, AZURE_STORAGE_ACCOUNT_KEY=KEY[::-1].strip("=") + "==")
    ended = steps.run("fetch", build_request(ObjectStoreFiles(url=f"{URL}/m")), **environment)
    refused(ended, BuildReason.SOURCE_UNAUTHORIZED, "refuses the credentials", "credentialsSecretRef")
    assert KEY[::-1].strip("=") not in ended.log + ended.termination.message


@pytest.mark.parametrize("url", [f"{URL}/absent", f"az://absent@{HOST}/m"])
def test_what_is_not_there(steps: Steps, azure: RunningAzure, proxy: Relay, url: str) -> None:
    environment = led(azure, proxy, AZURE_STORAGE_ACCOUNT_KEY=KEY)
    ended = steps.run("fetch", build_request(ObjectStoreFiles(url=url)), **environment)
    refused(ended, BuildReason.SOURCE_NOT_FOUND, "there is no model at", "spec.source.objectStore.url")


def test_a_step_that_is_killed_goes_on_where_it_was(
    steps: Steps, azure: RunningAzure, proxy: Relay, model: Path, tmp_path: Path
) -> None:
    large = with_large_weights(model, tmp_path / "large")
    azure.upload(large, "large/")
    environment = led(azure, proxy, AZURE_STORAGE_ACCOUNT_KEY=KEY)
    request = build_request(ObjectStoreFiles(url=f"{URL}/large"))
    proxy.hold_after(20 * MIB)
    steps.ask(request)
    process = steps.start("fetch", **environment)
    assert proxy.reached.wait(120)
    process.kill()
    process.wait()
    proxy.go_on()
    ended = steps.run("fetch", request, **environment)
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(large)
    assert proxy.brought < WEIGHTS_BYTES + BLOCK_BYTES + MIB


def test_other_bytes_than_the_checksum_says_and_files_that_change(
    steps: Steps, azure: RunningAzure, proxy: Relay, model: Path, tmp_path: Path
) -> None:
    environment = led(azure, proxy, AZURE_STORAGE_ACCOUNT_KEY=KEY)
    large = with_large_weights(model, tmp_path / "large")
    azure.upload(large, "changing/")
    proxy.hold_after(20 * MIB)
    request = build_request(ObjectStoreFiles(url=f"{URL}/changing"))
    steps.ask(request)
    process = steps.start("fetch", **environment)
    assert proxy.reached.wait(120)
    azure.put("changing/config.json", b"{}")
    proxy.go_on()
    refused(steps.ended(process), BuildReason.DIGEST_MISMATCH, "config.json", "command retry")
    shutil.rmtree(steps.scratch)
    other = ContentSettings(content_md5=bytearray(16))
    azure.container.get_blob_client("changing/vocab.txt").set_http_headers(other)
    refused(steps.run("fetch", request, **environment), BuildReason.DIGEST_MISMATCH, "vocab.txt", "with md5 ")
