"""Fetching from below an https address: what a web server tells, and where it leads."""

from __future__ import annotations

import hashlib
import json
import shutil
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from modelyard.contract.request import ObjectStoreFiles
from modelyard.contract.steps import BuildReason, ExitCode
from tests.runtime.folders import files_of
from tests.runtime.steps import Steps, build_request
from tests.runtime.stores import MIB, WEIGHTS_BYTES, refused, used, with_large_weights
from tests.servers.files import Files, certificate_for, running_files, trust
from tests.servers.ports import free_ports
from tests.servers.relay import running_relay

TOKEN = "its-token"  # noqa: S105 - of these servers alone


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of a server on loopback."""
    return certificate_for(tmp_path_factory.mktemp("tls") / "tls", "127.0.0.1")


@pytest.fixture
def root(tmp_path: Path, model: Path) -> Path:
    """A server's folder with the model below a name that must be quoted."""
    shutil.copytree(model, tmp_path / "web" / "a b" / "m+1")
    return tmp_path / "web"


@pytest.fixture
def files(root: Path, certificate: Path) -> Iterator[Files]:
    """A server that speaks TLS."""
    with running_files(root, certificate=certificate) as files:
        yield files


def at(files: Files, path: str = "/a%20b/m+1") -> ObjectStoreFiles:
    return ObjectStoreFiles(url=files.url + path)


@pytest.mark.parametrize("path", ["/a%20b/m+1", "/a b/m+1/"])
def test_a_folder_over_tls_with_a_token(steps: Steps, files: Files, certificate: Path, model: Path, path: str) -> None:
    files.token = TOKEN
    ended = steps.run("fetch", build_request(at(files, path)), OBJECT_STORE_TOKEN=TOKEN, **trust(certificate))
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(model)
    assert {asked[1].startswith("/a%20b/m+1/") for asked in files.asked} == {True}


@pytest.mark.parametrize(("token", "words"), [(None, "asks for credentials"), ("wrong", "refuses the credentials")])
def test_a_token_that_is_missing_or_wrong(
    steps: Steps, files: Files, certificate: Path, token: str | None, words: str
) -> None:
    files.token = TOKEN
    environment = trust(certificate) | ({"OBJECT_STORE_TOKEN": token} if token else {})
    ended = steps.run("fetch", build_request(at(files)), **environment)
    refused(ended, BuildReason.SOURCE_UNAUTHORIZED, "HTTP 401", words, "credentialsSecretRef")
    assert "wrong" not in ended.log + ended.termination.message


def test_a_server_that_nobody_vouches_for_is_not_believed(steps: Steps, files: Files) -> None:
    """It is asked again, since a certificate is renewed now and then, and tells why meanwhile."""
    steps.ask(build_request(at(files)))
    process = steps.start("fetch")
    steps.told(process, "asked again in")
    process.terminate()
    ended = steps.ended(process)
    assert ended.termination.reason is BuildReason.SOURCE_UNREACHABLE
    assert "CERTIFICATE_VERIFY_FAILED" in ended.termination.message
    assert files.asked == []


@pytest.mark.parametrize("pages", [False, True], ids=["404", "a page for everything"])
def test_what_is_not_there(steps: Steps, files: Files, certificate: Path, *, pages: bool) -> None:
    files.pages = pages
    ended = steps.run("fetch", build_request(at(files, "/absent")), **trust(certificate))
    refused(ended, BuildReason.SOURCE_NOT_FOUND, "there is no model at", "spec.source.objectStore.url")


def test_a_page_for_everything_is_no_file_of_a_model(
    steps: Steps, files: Files, certificate: Path, model: Path
) -> None:
    files.pages = True
    ended = steps.run("fetch", build_request(at(files)), **trust(certificate))
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(model)


@pytest.mark.parametrize("parts", [True, False], ids=["in parts", "whole only"])
def test_a_download_that_is_cut_goes_on(steps: Steps, root: Path, model: Path, *, parts: bool) -> None:
    """From where it was, or from the beginning where the server sends no parts."""
    large = with_large_weights(model, root / "large")
    with running_files(root) as files, running_relay(files.url.removeprefix("http://")) as relay:
        files.parts = parts
        relay.cut_after(20 * MIB)
        steps.ask(build_request(ObjectStoreFiles(url=f"http://{relay.host}/large/")))
        process = steps.start("fetch")
        steps.told(process, "asked again in")
        relay.go_on()
        ended = steps.ended(process)
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(large)
    twice = relay.brought - WEIGHTS_BYTES
    assert twice < MIB if parts else 19 * MIB < twice < 21 * MIB, twice


def test_files_that_change_while_they_are_read_are_refused(steps: Steps, root: Path, model: Path) -> None:
    large = with_large_weights(model, root / "large")
    with running_files(root) as files, running_relay(files.url.removeprefix("http://")) as relay:
        relay.hold_after(20 * MIB)
        steps.ask(build_request(ObjectStoreFiles(url=f"http://{relay.host}/large")))
        process = steps.start("fetch")
        assert relay.reached.wait(120)
        (large / "config.json").write_text("{}")
        relay.go_on()
        refused(steps.ended(process), BuildReason.DIGEST_MISMATCH, "config.json", "command retry")


def test_a_server_that_is_down_is_waited_for(steps: Steps, root: Path, model: Path) -> None:
    (closed,) = free_ports(1)
    with running_files(root) as files, running_relay(f"127.0.0.1:{closed}") as relay:
        steps.ask(build_request(ObjectStoreFiles(url=f"http://{relay.host}/a%20b/m+1")))
        process = steps.start("fetch")
        steps.told(process, "asked again in")
        relay.lead_to(files.url.removeprefix("http://"))
        ended = steps.ended(process)
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(model)


def test_a_redirect_is_followed_without_the_token(
    steps: Steps, files: Files, root: Path, certificate: Path, model: Path
) -> None:
    with running_files(root, certificate=certificate) as elsewhere:
        files.moved = elsewhere.url
        ended = steps.run("fetch", build_request(at(files)), OBJECT_STORE_TOKEN=TOKEN, **trust(certificate))
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(model)
    assert {asked[2] for asked in files.asked} == {f"Bearer {TOKEN}"}
    assert {asked[2] for asked in elsewhere.asked} == {None}


def test_where_a_redirect_led_is_not_told(steps: Steps, files: Files, root: Path, certificate: Path) -> None:
    """It may be signed, and whoever has it may read."""
    with running_files(root, certificate=certificate) as elsewhere:
        elsewhere.token = "another"  # noqa: S105 - of this server alone
        files.moved = f"{elsewhere.url}/signed?signature="
        ended = steps.run("fetch", build_request(at(files)), **trust(certificate))
    refused(ended, BuildReason.SOURCE_UNAUTHORIZED, "HTTP 401")
    assert elsewhere.asked
    assert "signature" not in ended.termination.message + ended.log


def test_a_redirect_to_plain_http_is_refused(steps: Steps, files: Files, root: Path, certificate: Path) -> None:
    with running_files(root) as plain:
        files.moved = plain.url
        ended = steps.run("fetch", build_request(at(files)), OBJECT_STORE_TOKEN=TOKEN, **trust(certificate))
    refused(
        ended, BuildReason.SOURCE_NOT_FOUND, f"redirects to {plain.url}, without TLS", "spec.source.objectStore.url"
    )
    assert plain.asked == []


def test_names_that_lead_elsewhere_are_not_asked_for(steps: Steps, files: Files, root: Path, certificate: Path) -> None:
    folder = root / "a b" / "m+1"
    (folder / "model.safetensors").unlink()
    weights = {"a": "../../secret.safetensors", "b": "/model.safetensors", "c": "https://example.com/model.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))
    (folder / "modules.json").write_text(json.dumps([{"path": "../../1_Pooling"}, {"path": "//1_Pooling"}]))
    ended = steps.run("fetch", build_request(at(files)), **trust(certificate))
    refused(ended, BuildReason.SOURCE_INVALID, "which is elsewhere", "put the files beside it")
    assert {asked[1].rpartition("/")[0] for asked in files.asked} == {"/a%20b/m+1"}


Tells: TypeAlias = Callable[[bytes], dict[str, str]]


def md5(content: bytes) -> dict[str, str]:
    return {"Content-MD5": b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()}


def sha256(content: bytes) -> dict[str, str]:
    return {"Digest": f"unixsum=3, SHA-256={b64encode(hashlib.sha256(content).digest()).decode()}"}


@pytest.mark.parametrize("tells", [md5, sha256])
def test_other_bytes_than_the_server_s_checksum_says(
    steps: Steps, files: Files, certificate: Path, model: Path, tells: Tells
) -> None:
    vocabulary = (model / "vocab.txt").read_bytes()
    files.headers = {"vocab.txt": tells(vocabulary), "config.json": {"Content-MD5": "of another form"}}
    ended = steps.run("fetch", build_request(at(files)), **trust(certificate))
    assert ended.code == ExitCode.OK, ended.log
    shutil.rmtree(steps.scratch)
    files.headers = {"vocab.txt": tells(vocabulary[::-1])}
    ended = steps.run("fetch", build_request(at(files)), **trust(certificate))
    refused(ended, BuildReason.DIGEST_MISMATCH, "vocab.txt", f"with {tells.__name__} ")


def test_a_server_that_tells_nothing_of_its_files_is_refused(steps: Steps, files: Files, certificate: Path) -> None:
    files.states = False
    ended = steps.run("fetch", build_request(at(files)), **trust(certificate))
    refused(ended, BuildReason.SOURCE_INVALID, "tells no ETag and no time of its last change", "upload the model to")


def test_an_index_that_is_none(steps: Steps, files: Files, root: Path, certificate: Path) -> None:
    (root / "a b" / "m+1" / "modules.json").write_text('{"modules": 1}')
    ended = steps.run("fetch", build_request(at(files)), **trust(certificate))
    refused(ended, BuildReason.SOURCE_INVALID, "modules.json can't be read", "upload it again")
