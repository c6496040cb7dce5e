"""What counts as a checksum of a file among the words that stores say of it."""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64encode
from pathlib import Path
from typing import Any

import google_crc32c
import pytest

from modelyard_runtime.sources.objectstore_digests import (
    Told,
    told_by_azure,
    told_by_google,
    told_by_s3,
    told_by_web,
)

CONTENT = b"weights" * 400_000
MD5 = hashlib.md5(CONTENT, usedforsecurity=False)
SHA256 = hashlib.sha256(CONTENT)
CRC32 = zlib.crc32(CONTENT).to_bytes(4, "big")
CRC32C = google_crc32c.value(CONTENT).to_bytes(4, "big")
ETAG = f'"{MD5.hexdigest()}"'


def base64(value: bytes) -> str:
    return b64encode(value).decode()


@pytest.mark.parametrize(
    ("kind", "value"), [("md5", MD5.digest()), ("sha256", SHA256.digest()), ("crc32", CRC32), ("crc32c", CRC32C)]
)
def test_a_file_is_read_in_blocks(tmp_path: Path, kind: str, value: bytes) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    assert Told(kind=kind, value=value).of(tmp_path / "file") == value


S3: dict[str, tuple[dict[str, Any], str | None]] = {
    "an ETag of one piece": ({"ETag": ETAG}, "md5"),
    "the surest of several": (
        {"ETag": ETAG, "ChecksumCRC32": base64(CRC32), "ChecksumSHA256": base64(SHA256.digest())},
        "sha256",
    ),
    "one that nothing here computes": ({"ETag": ETAG, "ChecksumCRC64NVME": "AAAAAAAAAAA="}, "md5"),
    "an upload in parts": ({"ETag": f'"{MD5.hexdigest()}-2"', "ChecksumCRC32": f"{base64(CRC32)}-2"}, None),
    "an upload in parts with one of the whole": (
        {"ETag": f'"{MD5.hexdigest()}-2"', "ChecksumCRC32": base64(CRC32), "ChecksumType": "FULL_OBJECT"},
        "crc32",
    ),
    "an upload in parts that says so": (
        {"ETag": f'"{MD5.hexdigest()}-2"', "ChecksumCRC32": base64(CRC32), "ChecksumType": "COMPOSITE"},
        None,
    ),
    "a key of the user's": ({"ETag": ETAG, "SSECustomerAlgorithm": "AES256"}, None),
    "a key of the key service's": ({"ETag": ETAG, "ServerSideEncryption": "aws:kms"}, None),
    "no ETag": ({}, None),
}


@pytest.mark.parametrize("case", S3)
def test_s3(case: str) -> None:
    head, kind = S3[case]
    for at_amazon in (True, False):
        told = told_by_s3(head, "models", at_amazon=at_amazon)
        assert (told.kind if told else None) == kind


def test_an_encrypted_object_s_etag_is_its_md5_at_amazon_s_alone() -> None:
    head = {"ETag": ETAG, "ServerSideEncryption": "AES256"}
    assert told_by_s3(head, "models", at_amazon=True) == Told(kind="md5", value=MD5.digest())
    assert told_by_s3(head, "models", at_amazon=False) is None
    assert told_by_s3(head, "models--euc1-az1--x-s3", at_amazon=True) is None


def test_google() -> None:
    both = {"md5Hash": base64(MD5.digest()), "crc32c": base64(CRC32C)}
    assert told_by_google(both) == Told(kind="md5", value=MD5.digest())
    assert told_by_google({"crc32c": base64(CRC32C)}) == Told(kind="crc32c", value=CRC32C), "composed of others"
    assert told_by_google({}) is None


def test_azure() -> None:
    assert told_by_azure({"content_settings": {"content_md5": bytearray(MD5.digest())}}) == Told(
        kind="md5", value=MD5.digest()
    )
    assert told_by_azure({"content_settings": {"content_md5": None}}) is None


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Content-MD5": base64(MD5.digest())}, "md5"),
        ({"Content-MD5": MD5.hexdigest()}, None),
        ({"Digest": f"unixsum=1,sha-256={base64(SHA256.digest())}"}, "sha256"),
        ({"Digest": f"SHA-256={SHA256.hexdigest()}"}, None),
        ({"Digest": "crc32c=AAAAAA=="}, None),
        ({}, None),
    ],
)
def test_a_web_server(headers: dict[str, str], kind: str | None) -> None:
    told = told_by_web(headers)
    assert (told.kind if told else None) == kind
