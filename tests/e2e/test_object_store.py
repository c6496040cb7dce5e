"""A model from a bucket: served once it is proven, and refused with the fix to who may not read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.answers import assert_agrees
from tests.e2e.yard import Yard
from tests.servers.s3 import BUCKET, RunningS3

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]  # the server is built where it isn't in the cache


def test_from_a_bucket(yard: Yard, s3: RunningS3, tiny_folder: Path) -> None:
    s3.upload(tiny_folder, "tiny/")
    folder = {"url": f"s3://{BUCKET}/tiny/", "credentialsSecretRef": {"name": "wrong"}}
    wrong = [
        f"--from-literal={key}={value}" for key, value in {**s3.credentials, "AWS_SECRET_ACCESS_KEY": "no"}.items()
    ]
    yard.cluster.run("create", "secret", "generic", "wrong", *wrong)
    yard.submit("m", {"objectStore": folder})
    message = yard.told("m", "SourceUnauthorized")
    assert "the store refuses the credentials" in message
    assert "spec.source.objectStore.credentialsSecretRef" in message

    right = [f"--from-literal={key}={value}" for key, value in s3.credentials.items()]
    yard.cluster.run("create", "secret", "generic", "right", *right)
    yard.submit("m", {"objectStore": folder | {"credentialsSecretRef": {"name": "right"}}})
    yard.healthy("m")
    assert_agrees(yard, tiny_folder)
