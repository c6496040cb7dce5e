"""Models from a Hugging Face hub: pinned to a commit, with a token or without, and refused with the fix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from examples.demo.follow import is_healthy
from examples.demo.kubectl import Object
from tests.e2e.answers import assert_agrees
from tests.e2e.waiting import reached
from tests.e2e.yard import HEALTHY_SECONDS, Yard
from tests.servers.hub import Hub

pytestmark = pytest.mark.cluster


def hugging_face(repo: str, **fields: object) -> Object:
    """Return a source on the tests' own hub."""
    return {"huggingFace": {"repo": repo, **fields}}


def test_a_branch_is_pinned_until_a_refresh(yard: Yard, hub: Hub, tiny_folder: Path) -> None:
    """A branch that moves on changes nothing, though the model is looked at again: only the command follows it."""
    yard.submit("m", hugging_face(hub.open_repo, revision="main"))
    before = yard.healthy("m")["status"]
    assert commits(yard) == {before["build"]: hub.commit}
    assert_agrees(yard, tiny_folder)

    hub.moves_on()
    asked = questions_about_the_branch(hub)
    after = commanded(yard, f"promote {before['stableRevision']} 1")  # there is nothing to promote: a pass, no more
    same = ("build", "stableRevision", "targetRevision", "outdated")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert list(commits(yard)) == [before["build"]]
    assert questions_about_the_branch(hub) == asked

    followed = commanded(yard, f"refresh {before['stableRevision']} 2")
    assert followed["stableRevision"] != before["stableRevision"]
    assert commits(yard)[followed["build"]] == hub.commit


def questions_about_the_branch(hub: Hub) -> int:
    """Return how often somebody asked what ``main`` is."""
    return sum(f"/api/models/{hub.open_repo}/revision/main" in question for question in hub.asked)


def commits(yard: Yard) -> dict[str, str]:
    """Return the commit that each build of the namespace is of."""
    builds = yard.cluster.list("modelbuilds")
    return {build["metadata"]["name"]: build["spec"]["source"]["huggingFace"]["revision"] for build in builds}


def commanded(yard: Yard, command: str) -> Object:
    """Return the model's status once the command is done with, and the model Healthy again."""
    yard.cluster.run("annotate", "om", "m", "--overwrite", f"modelyard.dev/command={command}")

    def done(model: Object) -> bool:
        return model["status"]["lastHandledCommand"] == command and is_healthy(model)

    status: Object = reached(yard.cluster, "m", done, seconds=HEALTHY_SECONDS, what=f"done with {command}")["status"]
    return status


Asked: TypeAlias = Callable[[Hub], Object]

REFUSED: dict[str, tuple[Asked, str, tuple[str, ...]]] = {
    "repository not found": (
        lambda _: hugging_face("nobody/nothing"),
        "SourceNotFound",
        ("nobody/nothing", "correct spec.source.huggingFace.repo"),
    ),
    "branch not found": (
        lambda hub: hugging_face(hub.open_repo, revision="no-such-branch"),
        "SourceNotFound",
        ("no-such-branch", "correct spec.source.huggingFace.revision"),
    ),
    "gated, without a token": (
        lambda hub: hugging_face(hub.gated_repo),
        "SourceUnauthorized",
        ("accept its terms", "name a secret", "spec.source.huggingFace.tokenSecretRef"),
    ),
    "gated, with a token that the hub refuses": (
        lambda hub: hugging_face(hub.gated_repo, tokenSecretRef={"name": "hf"}),
        "SourceUnauthorized",
        ("the hub refuses", "use another token"),
    ),
    "gated, with a secret that is not there": (
        lambda hub: hugging_face(hub.gated_repo, tokenSecretRef={"name": "absent"}),
        "SourceUnauthorized",
        ("Secret absent", "create it with the key token"),
    ),
    "a digest that does not match": (  # the hub says one sha256 and sends other bytes: never built from
        lambda hub: hugging_face(hub.corrupted_repo),
        "DigestMismatch",
        ("sha256", "push or upload the files again"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_source_that_can_not_be_had_is_told_with_the_fix(yard: Yard, hub: Hub, case: str) -> None:
    source, reason, words = REFUSED[case]
    yard.cluster.run("create", "secret", "generic", "hf", "--from-literal=token=hf_wrong")
    yard.submit("m", source(hub))
    message = yard.told("m", reason)
    assert [word for word in words if word not in message] == [], message


def test_gated_with_its_token(yard: Yard, hub: Hub) -> None:
    """What the messages above ask for helps."""
    yard.cluster.run("create", "secret", "generic", "hf", f"--from-literal=token={hub.token}")
    yard.submit("m", hugging_face(hub.gated_repo, tokenSecretRef={"name": "hf"}))
    yard.healthy("m")
