"""Checksums that stores tell of whole files, compared with what arrived.

What covers a file's parts instead of the file (an S3 upload in parts, Google's composite objects by MD5) says nothing
that can be compared, and counts as not told.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import zlib
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import google_crc32c

BLOCK_BYTES = 1 << 20
_MD5 = re.compile("[0-9a-f]{32}")
_S3_FIELDS = {"ChecksumSHA256": "sha256", "ChecksumSHA1": "sha1", "ChecksumCRC32C": "crc32c", "ChecksumCRC32": "crc32"}
"""S3's checksums, the surest first. It has CRC64NVME too, which nothing here computes as fast as files arrive."""
_DIGEST_HEADER = {"sha-256": "sha256", "md5": "md5"}
_SIZES = {"sha256": 32, "sha1": 20, "md5": 16, "crc32c": 4, "crc32": 4}
"""In bytes."""
_DIRECTORY_BUCKET = "--x-s3"
"""How names of buckets end whose ETags are no MD5, though they look like one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A checksum that a store tells. kind: of hashlib, or crc32, crc32c; value: 4 to 32 bytes."""

    kind: str
    value: bytes

    @classmethod
    def in_base64(cls, kind: str, text: str) -> Told | None:
        """Return what ``text`` says; None if that is none of this kind: of an upload in parts, or in another form."""
        try:
            value = b64decode(text, validate=True)
        except binascii.Error:
            return None
        return cls(kind=kind, value=value) if len(value) == _SIZES[kind] else None

    def of(self, path: Path) -> bytes:
        """Return the same checksum of a file here."""
        with path.open("rb") as file:
            if self.kind in _CRCS:
                total, extend = 0, _CRCS[self.kind]
                while block := file.read(BLOCK_BYTES):
                    total = extend(total, block)
                return total.to_bytes(4, "big")
            return hashlib.file_digest(file, self.kind).digest()


_CRCS: Mapping[str, Callable[[int, bytes], int]] = {
    "crc32": lambda total, block: zlib.crc32(block, total),
    "crc32c": google_crc32c.extend,
}


def told_by_s3(head: Mapping[str, Any], bucket: str, *, at_amazon: bool) -> Told | None:
    """Return the checksum in S3's description of an object.

    The ETag is the MD5 of an object that was sent in one piece and isn't encrypted. Amazon encrypts every object, and
    keeps that promise for its own keys (AES256); other servers that say so don't.
    """
    if head.get("ChecksumType") != "COMPOSITE":
        told = (Told.in_base64(kind, str(head[field])) for field, kind in _S3_FIELDS.items() if head.get(field))
        if found := next(filter(None, told), None):
            return found
    etag = str(head.get("ETag", "")).strip('"')
    plain = head.get("ServerSideEncryption") in ({None, "AES256"} if at_amazon else {None})
    if plain and "SSECustomerAlgorithm" not in head and _MD5.fullmatch(etag) and not bucket.endswith(_DIRECTORY_BUCKET):
        return Told(kind="md5", value=bytes.fromhex(etag))
    return None


def told_by_google(info: Mapping[str, Any]) -> Told | None:
    """Return the checksum in Google's description of an object; one that was composed of others has no MD5."""
    field, kind = ("md5Hash", "md5") if info.get("md5Hash") else ("crc32c", "crc32c")
    return Told.in_base64(kind, str(info.get(field, "")))


def told_by_azure(info: Mapping[str, Any]) -> Told | None:
    """Return the checksum in Azure's description of a blob: who uploads in blocks leaves none unless told to."""
    md5 = (info.get("content_settings") or {}).get("content_md5")
    return Told(kind="md5", value=bytes(md5)) if md5 else None


def told_by_web(info: Mapping[str, Any]) -> Told | None:
    """Return the checksum in a web server's headers, which few send."""
    for said in str(info.get("Digest", "")).split(","):
        name, _, value = said.strip().partition("=")
        if name.lower() in _DIGEST_HEADER:
            return Told.in_base64(_DIGEST_HEADER[name.lower()], value)
    return Told.in_base64("md5", str(info.get("Content-MD5", "")))
