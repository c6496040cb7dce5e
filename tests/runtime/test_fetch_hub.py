"""Fetching from a hub, and what each of its refusals tells the user to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx2
import pytest
from huggingface_hub.errors import HfHubHTTPError

from modelyard.contract.request import HuggingFaceFiles
from modelyard.contract.steps import BuildReason, ExitCode
from modelyard_runtime.handover import Scratch
from modelyard_runtime.sources.hub_errors import hub_failure
from tests.runtime.folders import USED, files_of
from tests.runtime.steps import Ended, Steps, build_request
from tests.servers.hub import Hub


def fetched(steps: Steps, hub: Hub, repo: str, *, revision: str | None = None, token: str | None = None) -> Ended:
    source = HuggingFaceFiles(repo=repo, revision=revision or hub.commit, endpoint=hub.endpoint)
    return steps.run("fetch", build_request(source), **({"HF_TOKEN": token} if token else {}))


def refused(ended: Ended, reason: BuildReason, *words: str) -> None:
    assert ended.termination.reason is reason, ended.log
    assert ended.code >= ExitCode.REFUSED
    for word in words:
        assert word in ended.termination.message


def test_only_what_a_build_reads_is_fetched(steps: Steps, hub: Hub, model: Path) -> None:
    ended = fetched(steps, hub, hub.open_repo)
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == {name: (model / name).read_bytes() for name in USED}


def test_the_same_files_give_the_same_digest_each_time(steps: Steps, hub: Hub) -> None:
    first = fetched(steps, hub, hub.open_repo).termination.source_digest
    shutil.rmtree(steps.scratch)
    second = fetched(steps, hub, hub.open_repo).termination.source_digest
    assert first == second
    assert first == Scratch(root=steps.scratch).read_fetched().digest


def test_progress_counts_the_bytes_that_came(steps: Steps, hub: Hub) -> None:
    ended = fetched(steps, hub, hub.open_repo)
    fractions = [line.fraction for line in ended.progress if line.stage == "fetch"]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_repository_that_is_not_there(steps: Steps, hub: Hub) -> None:
    refused(fetched(steps, hub, "nobody/nothing"), BuildReason.SOURCE_NOT_FOUND, "nobody/nothing", "tokenSecretRef")


def test_repository_that_is_not_there_for_the_tokens_account(steps: Steps, hub: Hub) -> None:
    ended = fetched(steps, hub, "nobody/nothing", token=hub.token)
    refused(ended, BuildReason.SOURCE_NOT_FOUND, "nobody/nothing", "token")


def test_commit_that_is_not_there(steps: Steps, hub: Hub) -> None:
    ended = fetched(steps, hub, hub.open_repo, revision="0" * 40)
    refused(ended, BuildReason.SOURCE_NOT_FOUND, "0" * 40, "spec.source.huggingFace.revision")


def test_gated_without_a_token(steps: Steps, hub: Hub) -> None:
    ended = fetched(steps, hub, hub.gated_repo)
    refused(ended, BuildReason.SOURCE_UNAUTHORIZED, "accept its terms", "tokenSecretRef")


def test_token_that_the_hub_does_not_know(steps: Steps, hub: Hub) -> None:
    ended = fetched(steps, hub, hub.gated_repo, token="hf_wrong")  # noqa: S106 - no secret
    refused(ended, BuildReason.SOURCE_UNAUTHORIZED, "refuses the token")
    assert "hf_wrong" not in ended.log + ended.termination.message


def test_gated_with_its_token(steps: Steps, hub: Hub) -> None:
    ended = fetched(steps, hub, hub.gated_repo, token=hub.token)
    assert ended.code == ExitCode.OK, ended.log


def test_other_bytes_than_the_hub_says(steps: Steps, hub: Hub) -> None:
    ended = fetched(steps, hub, hub.corrupted_repo)
    refused(ended, BuildReason.DIGEST_MISMATCH, "model.safetensors", "sha256")
    assert ended.termination.source_digest is None


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        *((status, BuildReason.SOURCE_UNREACHABLE) for status in (408, 429, 500, 502, 503, 504)),
        *((status, BuildReason.SOURCE_UNAUTHORIZED) for status in (401, 403)),
        *((status, BuildReason.SOURCE_NOT_FOUND) for status in (400, 404, 410, 451)),
    ],
)
def test_only_what_may_pass_is_worth_another_try(status: int, reason: BuildReason) -> None:
    source = HuggingFaceFiles(repo="a/b", revision="main", endpoint="http://hub")
    response = httpx2.Response(status, request=httpx2.Request("GET", "http://hub/a/b"))
    failed = hub_failure(HfHubHTTPError("no", response=response), source, with_token=True)
    assert failed.reason is reason
    assert failed.may_pass == (reason is BuildReason.SOURCE_UNREACHABLE)
