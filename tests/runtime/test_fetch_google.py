"""Fetching from Google's store, by its real name: a proxy leads it to the one that runs here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.contract.request import ObjectStoreFiles
from modelyard.contract.steps import BuildReason, ExitCode
from tests.runtime.folders import files_of
from tests.runtime.steps import Steps, build_request
from tests.runtime.stores import BLOCK_BYTES, MIB, WEIGHTS_BYTES, refused, used, with_large_weights
from tests.servers.files import trust
from tests.servers.google import BUCKET, HOST, TOKEN_HOST, Google, running_google
from tests.servers.relay import Relay, running_relay


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Google]:
    """A server with the model below ``a b/m%20/``."""
    with running_google(tmp_path_factory.mktemp("google")) as server:
        server.upload(model, "a b/m%20/")
        yield server


@pytest.fixture
def proxy(google: Google) -> Iterator[Relay]:
    """What leads Google's name to the server."""
    with running_relay(google.host, proxy=True) as relay:
        yield relay


def led(google: Google, proxy: Relay, **credentials: str) -> dict[str, str]:
    """Return the environment of a step."""
    return {**trust(google.certificate), "HTTPS_PROXY": f"http://{proxy.host}", **credentials}


def test_a_folder_of_a_public_bucket(steps: Steps, google: Google, proxy: Relay, model: Path) -> None:
    request = build_request(ObjectStoreFiles(url=f"gs://{BUCKET}/a b/m%20/"))
    ended = steps.run("fetch", request, **led(google, proxy))
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(model)
    assert set(proxy.asked) == {f"{HOST}:443"}


@pytest.mark.parametrize("url", [f"gs://{BUCKET}/absent", "gs://absent/m"])
def test_what_is_not_there(steps: Steps, google: Google, proxy: Relay, url: str) -> None:
    ended = steps.run("fetch", build_request(ObjectStoreFiles(url=url)), **led(google, proxy))
    refused(ended, BuildReason.SOURCE_NOT_FOUND, "there is no model at", "key.json")


@pytest.fixture
def private(google: Google) -> Iterator[Google]:
    """The server while it lets in one account alone."""
    google.public = False
    yield google
    google.public, google.known = True, True
    google.claims.clear()


def test_a_service_account_asks_to_read_and_no_more(steps: Steps, private: Google, proxy: Relay, model: Path) -> None:
    request = build_request(ObjectStoreFiles(url=f"gs://{BUCKET}/a b/m%20"))
    ended = steps.run("fetch", request, **led(private, proxy))
    refused(ended, BuildReason.SOURCE_UNAUTHORIZED, "Anonymous caller", "asks for credentials", "key.json")
    ended = steps.run("fetch", request, **led(private, proxy, GOOGLE_SERVICE_ACCOUNT_KEY=private.key))
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(model)
    assert {claim["scope"].rpartition("/")[2] for claim in private.claims} == {"devstorage.read_only"}
    assert set(proxy.asked) == {f"{HOST}:443", f"{TOKEN_HOST}:443"}


def test_a_service_account_that_is_gone(steps: Steps, private: Google, proxy: Relay) -> None:
    private.known = False
    request = build_request(ObjectStoreFiles(url=f"gs://{BUCKET}/a b/m%20"))
    ended = steps.run("fetch", request, **led(private, proxy, GOOGLE_SERVICE_ACCOUNT_KEY=private.key))
    assert len(private.claims) == 1, "asked once"
    refused(ended, BuildReason.SOURCE_UNAUTHORIZED, "account not found", "refuses the credentials", "list the bucket")


@pytest.mark.parametrize("key", ["no JSON", '{"type": "authorized_user", "refresh_token": "1//secret"}'])
def test_a_key_that_is_none(steps: Steps, google: Google, proxy: Relay, key: str) -> None:
    request = build_request(ObjectStoreFiles(url=f"gs://{BUCKET}/a b/m%20"))
    ended = steps.run("fetch", request, **led(google, proxy, GOOGLE_SERVICE_ACCOUNT_KEY=key))
    refused(ended, BuildReason.SOURCE_UNAUTHORIZED, "has no service account's key in key.json")
    assert "1//secret" not in ended.log + ended.termination.message


@pytest.mark.parametrize("elsewhere", ["https://collector.example.com/token", "http://oauth2.googleapis.com/token"])
def test_a_key_sends_its_claim_to_google_alone(steps: Steps, private: Google, proxy: Relay, elsewhere: str) -> None:
    key = json.dumps(json.loads(private.key) | {"token_uri": elsewhere})
    request = build_request(ObjectStoreFiles(url=f"gs://{BUCKET}/a b/m%20"))
    ended = steps.run("fetch", request, **led(private, proxy, GOOGLE_SERVICE_ACCOUNT_KEY=key))
    refused(ended, BuildReason.SOURCE_UNAUTHORIZED, "another token_uri than Google's")
    assert proxy.asked == []


def test_a_step_that_is_killed_goes_on_where_it_was(
    steps: Steps, google: Google, proxy: Relay, model: Path, tmp_path: Path
) -> None:
    large = with_large_weights(model, tmp_path / "large")
    google.upload(large, "large/")
    request = build_request(ObjectStoreFiles(url=f"gs://{BUCKET}/large"))
    proxy.hold_after(20 * MIB)
    steps.ask(request)
    process = steps.start("fetch", **led(google, proxy))
    assert proxy.reached.wait(120)
    process.kill()
    process.wait()
    proxy.go_on()
    ended = steps.run("fetch", request, **led(google, proxy))
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(large)
    assert proxy.brought < WEIGHTS_BYTES + BLOCK_BYTES + MIB


def test_other_bytes_than_the_checksum_says_and_files_that_change(
    steps: Steps, google: Google, proxy: Relay, model: Path, tmp_path: Path
) -> None:
    large = with_large_weights(model, tmp_path / "large")
    google.upload(large, "changing/")
    request = build_request(ObjectStoreFiles(url=f"gs://{BUCKET}/changing"))
    proxy.hold_after(20 * MIB)
    steps.ask(request)
    process = steps.start("fetch", **led(google, proxy))
    assert proxy.reached.wait(120)
    google.put("changing/config.json", b"{}")
    proxy.go_on()
    refused(steps.ended(process), BuildReason.DIGEST_MISMATCH, "config.json", "command retry")
    shutil.rmtree(steps.scratch)
    google.rot("changing/vocab.txt")
    refused(steps.run("fetch", request, **led(google, proxy)), BuildReason.DIGEST_MISMATCH, "vocab.txt", "with md5 ")
