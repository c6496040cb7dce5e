"""Fetching from a real S3 server: whole, once, the same at one moment; and what each refusal tells the user to do."""

from __future__ import annotations

import json
import shutil
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import google_crc32c
import pytest
from botocore.config import Config

from modelyard.contract.request import HuggingFaceFiles, ObjectStoreFiles
from modelyard.contract.steps import BuildReason, ExitCode
from tests.runtime.folders import CLUTTER, USED, files_of
from tests.runtime.steps import Steps, build_request
from tests.runtime.stores import BLOCK_BYTES, MIB, WEIGHTS_BYTES, refused, used, with_large_weights
from tests.servers.files import certificate_for, trust
from tests.servers.hub import Hub
from tests.servers.ports import free_ports
from tests.servers.relay import Relay, running_relay
from tests.servers.s3 import BUCKET, RunningS3, running_s3

pytestmark = pytest.mark.timeout(1800)  # the first of them builds the server, where it isn't in the cache

PUBLIC = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
        }
    ],
}


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[RunningS3]:
    """A server with the model below ``m/``. What a test writes is below its own name."""
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        server.upload(model, "m/")
        yield server


@pytest.fixture
def relay(s3: RunningS3) -> Iterator[Relay]:
    """A wire to the server."""
    with running_relay(s3.host) as relay:
        yield relay


@pytest.fixture(scope="module")
def large(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model with weights of several blocks."""
    return with_large_weights(model, tmp_path_factory.mktemp("large") / "model")


def at(s3: RunningS3, url: str, *, through: Relay | None = None) -> ObjectStoreFiles:
    return ObjectStoreFiles(url=url, endpoint=f"http://{through.host}" if through else s3.endpoint)


def test_a_folder_as_from_a_hub(steps: Steps, s3: RunningS3, hub: Hub, model: Path) -> None:
    ended = steps.run("fetch", build_request(at(s3, f"s3://{BUCKET}/m/")), **s3.credentials)
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(model)
    fractions = [line.fraction for line in ended.progress if line.stage == "fetch"]
    assert fractions == sorted(fractions)
    shutil.rmtree(steps.scratch)
    there = HuggingFaceFiles(repo=hub.open_repo, revision=hub.commit, endpoint=hub.endpoint)
    assert steps.run("fetch", build_request(there)).termination.source_digest == ended.termination.source_digest


@pytest.mark.parametrize("prefix", ["", "a b/m%20..n+ü/"])
def test_a_bucket_s_root_and_a_folder_of_any_name(steps: Steps, s3: RunningS3, model: Path, prefix: str) -> None:
    """What else is there is never listed, however much it is."""
    s3.upload(model, prefix)
    ended = steps.run("fetch", build_request(at(s3, f"s3://{BUCKET}/{prefix}".rstrip("/"))), **s3.credentials)
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(model)
    listings = [line for line in s3.log.splitlines() if "list-type" in line]
    assert [line for line in listings if "max-keys=1&" not in line] == []
    assert not any(name in line for line in s3.log.splitlines() if "GET" in line for name in CLUTTER)


def test_a_sharded_model_names_its_files(steps: Steps, s3: RunningS3, model: Path) -> None:
    """Names that lead elsewhere are no files of a model."""
    s3.upload(model, "shards/")
    s3.client.delete_object(Bucket=BUCKET, Key="shards/model.safetensors")
    shards = {f"model-0000{i}-of-00002.safetensors": (model / "model.safetensors").read_bytes() for i in (1, 2)}
    for name, content in shards.items():
        s3.put(f"shards/{name}", content)
    elsewhere = ["../m/config.json", "/etc/passwd", "s3://other/model.safetensors"]
    names = dict(enumerate([*shards, *elsewhere]))
    s3.put("shards/model.safetensors.index.json", json.dumps({"weight_map": names}).encode())
    s3.put(
        "shards/modules.json", json.dumps([{"path": "../../1_Pooling"}, {"path": "1_Pooling"}, {"path": ""}]).encode()
    )
    ended = steps.run("fetch", build_request(at(s3, f"s3://{BUCKET}/shards")), **s3.credentials)
    refused(ended, BuildReason.SOURCE_INVALID, "../m/config.json", "/etc/passwd", "put the files beside it")
    got = files_of(steps.scratch / "source")
    assert {name: got[name] for name in shards} == shards
    assert got.keys() == set(USED) - {"model.safetensors"} | set(shards) | {"model.safetensors.index.json"}


@pytest.mark.parametrize(
    ("credentials", "reason", "words"),
    [
        ({}, BuildReason.SOURCE_UNAUTHORIZED, ("asks for credentials", "credentialsSecretRef", "AWS_ACCESS_KEY_ID")),
        (
            {"AWS_ACCESS_KEY_ID": "AKIDTESTS", "AWS_SECRET_ACCESS_KEY": "wrong"},
            BuildReason.SOURCE_UNAUTHORIZED,
            ("signature", "refuses the credentials", "credentialsSecretRef", "list the bucket"),
        ),
        (
            {"AWS_ACCESS_KEY_ID": "AKIDTESTS"},
            BuildReason.SOURCE_UNAUTHORIZED,
            ("has AWS_ACCESS_KEY_ID without AWS_SECRET_ACCESS_KEY",),
        ),
    ],
)
def test_credentials_that_do_not_do(
    steps: Steps, s3: RunningS3, credentials: dict[str, str], reason: BuildReason, words: tuple[str, ...]
) -> None:
    ended = steps.run("fetch", build_request(at(s3, f"s3://{BUCKET}/m")), **credentials)
    refused(ended, reason, *words)
    assert "wrong" not in ended.log + ended.termination.message


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://absent/m", ("The specified bucket does not exist", "spec.source.objectStore.url")),
        (f"s3://{BUCKET}/absent", ("there is no model at", "put its files there")),
        (f"s3://{BUCKET}/m/model.safetensors", ("there is no model at", "put its files there")),
        (f"s3://{BUCKET}/m/onnx", ("there is no tokenizer",)),
    ],
)
def test_what_is_not_there(steps: Steps, s3: RunningS3, url: str, words: tuple[str, ...]) -> None:
    ended = steps.run("fetch", build_request(at(s3, url)), **s3.credentials)
    reason = BuildReason.SOURCE_INVALID if url.endswith("onnx") else BuildReason.SOURCE_NOT_FOUND
    refused(ended, reason, *words)


def test_a_public_bucket_asks_for_nothing_and_a_region_is_found(steps: Steps, s3: RunningS3, model: Path) -> None:
    """Credentials without the region, which the server insists on, and then none at all."""
    keys = {name: value for name, value in s3.credentials.items() if name != "AWS_DEFAULT_REGION"}
    ended = steps.run("fetch", build_request(at(s3, f"s3://{BUCKET}/m")), **keys)
    assert ended.code == ExitCode.OK, ended.log
    s3.client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(PUBLIC))
    try:
        shutil.rmtree(steps.scratch)
        ended = steps.run("fetch", build_request(at(s3, f"s3://{BUCKET}/m")))
    finally:
        s3.client.delete_bucket_policy(Bucket=BUCKET)
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(model)


def test_what_came_before_a_cut_does_not_come_again(steps: Steps, s3: RunningS3, relay: Relay, large: Path) -> None:
    s3.upload(large, "cut/")
    relay.cut_after(20 * MIB)
    steps.ask(build_request(at(s3, f"s3://{BUCKET}/cut", through=relay)))
    process = steps.start("fetch", **s3.credentials)
    steps.told(process, "asked again in")
    assert "SourceUnreachable" in steps.output.read_text()
    relay.go_on()
    ended = steps.ended(process)
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(large)
    assert 20 * MIB < relay.brought < WEIGHTS_BYTES + BLOCK_BYTES + MIB


def test_a_step_that_is_killed_goes_on_where_it_was(steps: Steps, s3: RunningS3, relay: Relay, large: Path) -> None:
    s3.upload(large, "killed/")
    relay.hold_after(20 * MIB)
    request = build_request(at(s3, f"s3://{BUCKET}/killed", through=relay))
    steps.ask(request)
    process = steps.start("fetch", **s3.credentials)
    assert relay.reached.wait(120)
    process.kill()
    process.wait()
    assert "model.safetensors" not in files_of(steps.scratch / "source"), "nothing stands there before all does"
    relay.go_on()
    ended = steps.run("fetch", request, **s3.credentials)
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(large)
    assert relay.brought < WEIGHTS_BYTES + BLOCK_BYTES + MIB


Change: TypeAlias = Callable[[RunningS3, Path, str], None]


def other_weights(s3: RunningS3, large: Path, prefix: str) -> None:
    """As long as before."""
    s3.put(f"{prefix}model.safetensors", (large / "model.safetensors").read_bytes()[::-1])


def shorter_weights(s3: RunningS3, _large: Path, prefix: str) -> None:
    s3.put(f"{prefix}model.safetensors", b"short")


def no_vocabulary(s3: RunningS3, _large: Path, prefix: str) -> None:
    """It is to be read yet."""
    s3.client.delete_object(Bucket=BUCKET, Key=f"{prefix}vocab.txt")


def other_files(s3: RunningS3, _large: Path, prefix: str) -> None:
    """Two that were read already, one of them gone, and one that wasn't there."""
    s3.put(f"{prefix}config.json", b"{}")
    s3.client.delete_object(Bucket=BUCKET, Key=f"{prefix}1_Pooling/config.json")
    s3.put(f"{prefix}added_tokens.json", b"{}")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (other_weights, ["model.safetensors"]),
        (shorter_weights, ["shorter now than it was"]),
        (no_vocabulary, ["vocab.txt isn't there any more"]),
        (other_files, ["1_Pooling/config.json, added_tokens.json, config.json in models/other_files: the store"]),
    ],
)
def test_files_that_change_while_they_are_read_are_refused(
    steps: Steps, s3: RunningS3, relay: Relay, large: Path, change: Change, words: list[str]
) -> None:
    prefix = f"{change.__name__}/"
    s3.upload(large, prefix)
    relay.hold_after(20 * MIB)
    steps.ask(build_request(at(s3, f"s3://{BUCKET}/{prefix}", through=relay)))
    process = steps.start("fetch", **s3.credentials)
    assert relay.reached.wait(120)
    change(s3, large, prefix)
    relay.go_on()
    refused(steps.ended(process), BuildReason.DIGEST_MISMATCH, "written to meanwhile", "command retry", *words)
    assert not any(path.name == "config.json" for path in (steps.scratch / "source").rglob("*"))


Upload: TypeAlias = Callable[[RunningS3, str, bytes], None]


def with_checksum(kind: str) -> Upload:
    """Return an upload that leaves one with the object."""
    return lambda s3, key, content: s3.put(key, content, ChecksumAlgorithm=kind)


def with_castagnoli_s(s3: RunningS3, key: str, content: bytes) -> None:
    """As Amazon's faster client does."""
    checksum = google_crc32c.value(content).to_bytes(4, "big")
    s3.put(key, content, ChecksumCRC32C=b64encode(checksum).decode())


def without_one(s3: RunningS3, key: str, content: bytes) -> None:
    """Upload as older tools do: the ETag is all that there is."""
    older = s3.new_client(Config(request_checksum_calculation="when_required"))
    older.put_object(Bucket=BUCKET, Key=key, Body=content)


UPLOADS: dict[str, tuple[Upload, str]] = {
    "vocab.txt": (with_checksum("SHA256"), "sha256"),
    "tokenizer.json": (with_checksum("CRC32"), "crc32"),
    "sentence_bert_config.json": (with_castagnoli_s, "crc32c"),
    "config.json": (without_one, "md5"),
}


def test_other_bytes_than_were_uploaded(steps: Steps, s3: RunningS3, model: Path) -> None:
    """A disk behind the store that rots: the store says of the file what it always said."""
    s3.upload(model, "rotten/")
    for name, (upload, _) in UPLOADS.items():
        upload(s3, f"rotten/{name}", (model / name).read_bytes())
    request = build_request(at(s3, f"s3://{BUCKET}/rotten"))
    assert steps.run("fetch", request, **s3.credentials).code == ExitCode.OK
    for name, (_, kind) in UPLOADS.items():
        shutil.rmtree(steps.scratch)
        (s3.data / "rotten" / name).write_bytes((model / name).read_bytes()[::-1])
        refused(steps.run("fetch", request, **s3.credentials), BuildReason.DIGEST_MISMATCH, name, f"with {kind} ")
        (s3.data / "rotten" / name).write_bytes((model / name).read_bytes())


def test_an_upload_in_parts_has_a_checksum_of_no_file(steps: Steps, s3: RunningS3, large: Path) -> None:
    s3.upload(large, "parts/")
    key, weights = "parts/model.safetensors", (large / "model.safetensors").read_bytes()
    upload = s3.client.create_multipart_upload(Bucket=BUCKET, Key=key, ChecksumAlgorithm="CRC32")
    whole = {"Bucket": BUCKET, "Key": key, "UploadId": upload["UploadId"]}
    parts = []
    for number, content in enumerate((weights[: 16 * MIB], weights[16 * MIB :]), start=1):
        sent = s3.client.upload_part(**whole, PartNumber=number, Body=content, ChecksumAlgorithm="CRC32")
        parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumCRC32": sent["ChecksumCRC32"]})
    s3.client.complete_multipart_upload(**whole, MultipartUpload={"Parts": parts})
    told = s3.client.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")
    assert (told["ETag"][-3:], told["ChecksumType"]) == ('-2"', "COMPOSITE")
    ended = steps.run("fetch", build_request(at(s3, f"s3://{BUCKET}/parts")), **s3.credentials)
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(large)


def test_a_model_that_has_no_room_is_refused_before_it_is_read(steps: Steps, s3: RunningS3, model: Path) -> None:
    s3.upload(model, "vast/")
    with (s3.data / "vast" / "model.safetensors").open("r+b") as weights:
        weights.truncate(4 << 40)  # a hole
    ended = steps.run("fetch", build_request(at(s3, f"s3://{BUCKET}/vast")), **s3.credentials)
    refused(ended, BuildReason.DISK_FULL, "needs 16384.0 GiB of scratch", "raise spec.build.scratch")


def test_a_store_that_is_down_is_waited_for(steps: Steps, model: Path, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with running_s3(tmp_path / "s3", port=port) as s3:
        s3.upload(model, "m/")
    steps.ask(build_request(at(s3, f"s3://{BUCKET}/m")))
    process = steps.start("fetch", **s3.credentials)
    steps.told(process, "asked again in")
    with running_s3(tmp_path / "s3", port=port):
        ended = steps.ended(process)
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == used(model)


def test_without_an_endpoint_it_is_amazon_s(steps: Steps, model: Path, tmp_path: Path) -> None:
    """Its names, by a proxy that leads them to a server of ours: each bucket has one of its own."""
    certificate = certificate_for(
        tmp_path / "tls", "127.0.0.1", "*.s3.amazonaws.com", "*.s3.eu-central-1.amazonaws.com"
    )
    with running_s3(tmp_path / "s3") as s3:
        s3.upload(model, "m/")
    with (
        running_s3(tmp_path / "s3", certificate=certificate, domain="s3.eu-central-1.amazonaws.com") as s3,
        running_relay(s3.host, proxy=True) as proxy,
    ):
        environment = {**s3.credentials, **trust(certificate), "HTTPS_PROXY": f"http://{proxy.host}"}
        ended = steps.run("fetch", build_request(ObjectStoreFiles(url=f"s3://{BUCKET}/m")), **environment)
    assert ended.code == ExitCode.OK, ended.log
    assert set(proxy.asked) == {f"{BUCKET}.s3.eu-central-1.amazonaws.com:443"}
    assert files_of(steps.scratch / "source") == used(model)
