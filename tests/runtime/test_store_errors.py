"""What the stores' libraries raise, each by its own words, and what it means for a build."""

from __future__ import annotations

import errno

import pytest
from aiohttp import ClientPayloadError, ClientResponseError, RequestInfo, ServerDisconnectedError
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
)
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.exceptions import IncompleteReadError as BotoIncompleteReadError
from fsspec.exceptions import FSTimeoutError
from gcsfs.retry import HttpError
from google.auth.exceptions import RefreshError, TransportError
from multidict import CIMultiDict, CIMultiDictProxy
from s3fs.errors import translate_boto_error
from yarl import URL

from modelyard.contract.request import ObjectStoreFiles
from modelyard.contract.steps import BuildReason
from modelyard_runtime.sources.objectstore_errors import store_failure

SOURCE = ObjectStoreFiles(url="s3://models/m")


def amazon(code: str, status: int) -> Exception:
    """Return what S3 answers, as s3fs passes it on."""
    answer = {"Error": {"Code": code, "Message": "words"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    raised: Exception = translate_boto_error(ClientError(answer, "GetObject"))
    return raised


def azure(status: int) -> HttpResponseError:
    error = HttpResponseError("words")
    error.status_code = status
    return error


def web(status: int) -> Exception:
    """Return what fsspec makes of an answer that is none."""
    url = URL("https://h/m?signature=secret")
    request = RequestInfo(url, "GET", CIMultiDictProxy(CIMultiDict()), url)
    error = FileNotFoundError(str(url))
    error.__cause__ = ClientResponseError(request, (), status=status, message="words")
    return error


UNREACHABLE = (
    amazon("InternalError", 500),
    amazon("SlowDown", 503),
    amazon("RequestTimeout", 408),
    EndpointConnectionError(endpoint_url="https://s3"),
    BotoIncompleteReadError(actual_bytes=1, expected_bytes=2),
    FSTimeoutError(),
    azure(429),
    azure(503),
    ServiceRequestError("words"),
    IncompleteReadError("words"),
    HttpError({"code": 502, "message": "words"}),
    HttpError({"code": "429", "message": "words"}),
    TransportError("words"),
    web(504),
    ClientPayloadError("words"),
    ServerDisconnectedError("words"),
    ConnectionResetError("words"),
)
UNAUTHORIZED = (
    amazon("AccessDenied", 403),
    amazon("InvalidAccessKeyId", 403),
    amazon("ExpiredToken", 400),
    azure(401),
    azure(403),
    ClientAuthenticationError("words"),
    HttpError({"code": 401, "message": "words"}),
    OSError("Forbidden: https://storage.googleapis.com/b/o\nwords"),
    RefreshError("words"),
    web(401),
    web(403),
)
REFUSED = (
    amazon("NoSuchBucket", 404),
    amazon("InvalidBucketName", 400),
    azure(400),
    HttpError({"code": 400, "message": "words"}),
    web(451),
)
CHANGED = (amazon("InvalidRange", 416), azure(416), web(416))


MEANINGS = [
    *((error, BuildReason.SOURCE_UNREACHABLE) for error in UNREACHABLE),
    *((error, BuildReason.SOURCE_UNAUTHORIZED) for error in UNAUTHORIZED),
    *((error, BuildReason.SOURCE_NOT_FOUND) for error in REFUSED),
    *((error, BuildReason.DIGEST_MISMATCH) for error in CHANGED),
]
NAMES = [f"{number} {type(error).__name__}" for number, (error, _) in enumerate(MEANINGS)]


@pytest.mark.parametrize(("error", "reason"), MEANINGS, ids=NAMES)
def test_only_what_may_pass_is_worth_another_try(error: Exception, reason: BuildReason) -> None:
    failure = store_failure(error, SOURCE, with_credentials=True)
    assert failure is not None
    assert failure.reason is reason
    assert failure.may_pass == (reason is BuildReason.SOURCE_UNREACHABLE)
    assert "signature" not in str(failure)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "no space left"), MemoryError(), KeyError("size")])
def test_what_is_no_store_s_is_left_to_others(error: Exception) -> None:
    assert store_failure(error, SOURCE, with_credentials=True) is None
