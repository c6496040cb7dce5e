"""Models from a Hugging Face hub: pinned to a commit, with a token or without, and refused with the fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.demo.kubectl import Object
from tests.e2e.answers import assert_agrees
from tests.e2e.yard import Yard
from tests.servers.hub import Hub

pytestmark = pytest.mark.cluster


def hugging_face(repo: str, **fields: object) -> Object:
    """Return a source on the tests' own hub."""
    return {"huggingFace": {"repo": repo, **fields}}


def test_a_branch_is_pinned_to_its_commit(yard: Yard, hub: Hub, tiny_folder: Path) -> None:
    """The branch is pinned to its commit, and a branch that moves on changes nothing."""
    yard.submit("m", hugging_face(hub.open_repo, revision="main"))
    build = yard.healthy("m")["status"]["build"]
    [found] = yard.cluster.list("modelbuilds")
    assert found["metadata"]["name"] == build
    assert found["spec"]["source"]["huggingFace"]["revision"] == hub.commit
    assert_agrees(yard, tiny_folder)


@pytest.mark.usefixtures("hub")
def test_repository_not_found(yard: Yard) -> None:
    yard.submit("m", hugging_face("nobody/nothing"))
    assert "nobody/nothing" in yard.told("m", "SourceNotFound")


def test_branch_not_found(yard: Yard, hub: Hub) -> None:
    yard.submit("m", hugging_face(hub.open_repo, revision="no-such-branch"))
    assert "no-such-branch" in yard.told("m", "SourceNotFound")


def test_gated_without_a_token(yard: Yard, hub: Hub) -> None:
    yard.submit("m", hugging_face(hub.gated_repo))
    assert "tokenSecretRef" in yard.told("m", "SourceUnauthorized")


def test_token_that_the_hub_refuses(yard: Yard, hub: Hub) -> None:
    yard.cluster.run("create", "secret", "generic", "hf", "--from-literal=token=hf_wrong")
    yard.submit("m", hugging_face(hub.gated_repo, tokenSecretRef={"name": "hf"}))
    assert "token" in yard.told("m", "SourceUnauthorized")


def test_secret_that_is_not_there(yard: Yard, hub: Hub) -> None:
    yard.submit("m", hugging_face(hub.gated_repo, tokenSecretRef={"name": "absent"}))
    assert "absent" in yard.told("m", "SourceUnauthorized")


def test_gated_with_its_token(yard: Yard, hub: Hub) -> None:
    """What the messages above ask for helps."""
    yard.cluster.run("create", "secret", "generic", "hf", f"--from-literal=token={hub.token}")
    yard.submit("m", hugging_face(hub.gated_repo, tokenSecretRef={"name": "hf"}))
    yard.healthy("m")


def test_digest_that_does_not_match(yard: Yard, hub: Hub) -> None:
    """The hub says one sha256 and sends other bytes: never built from."""
    yard.submit("m", hugging_face(hub.corrupted_repo))
    assert "sha256" in yard.told("m", "DigestMismatch")
