"""What a step says, as it says it, and its fix: once. Its own where it has one, else that of its reason."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RevisionNotFoundError

from modelyard.contract.choices import Task
from modelyard.contract.request import BuildRequest, HuggingFaceFiles, OciFiles, ParityGate, VolumeFiles
from modelyard.contract.steps import BuildReason
from modelyard.gates import GateNotApplicable, parity_for_task
from modelyard.reasons import ADVICE, Reason, with_fix
from modelyard_runtime.__main__ import explained
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.folder import check_whole
from modelyard_runtime.sources.hub_errors import hub_failure
from modelyard_runtime.sources.oci import pull_model
from modelyard_runtime.sources.space import check_room
from modelyard_runtime.sources.volume import copy_from_volume
from tests.modelyard.oci.faulty import Answer, faulty_registry
from tests.runtime.folders import write

HUB = HuggingFaceFiles(repo="org/name", revision="main", endpoint="http://hub")


def of_hub(error: Exception) -> BuildFailed:
    return hub_failure(error, HUB, with_token=False)


def answered(kind: type[HfHubHTTPError], status: int) -> BuildFailed:
    return of_hub(kind("no", response=httpx2.Response(status, request=httpx2.Request("GET", "http://hub/org/name"))))


def raised(act: Callable[[], object]) -> BuildFailed:
    with pytest.raises(BuildFailed) as failed:
        act()
    return failed.value


def pulled(status: int, folder: Path) -> BuildFailed:
    with faulty_registry(lambda *_: Answer(status=status)) as registry:
        source = OciFiles(ref=f"{registry.host}/models/m:1", plain_http=True)
        return raised(lambda: pull_model(source, folder, lambda _: None))


def without_tokenizer(folder: Path) -> BuildFailed:
    write(folder / "config.json", "{}")
    return raised(lambda: check_whole(folder))


def with_bad_json(folder: Path) -> BuildFailed:
    write(folder / "config.json", "{}")
    write(folder / "tokenizer.json", "{}")
    write(folder / "model.safetensors.index.json", "{")
    return raised(lambda: check_whole(folder))


def unread(_: Path) -> BuildFailed:
    with pytest.raises(ValueError, match="name") as failed:
        BuildRequest.model_validate({})
    return explained(failed.value)


def not_applicable(_: Path) -> BuildFailed:
    with pytest.raises(GateNotApplicable) as failed:
        parity_for_task(ParityGate(), Task.AUTO)
    return BuildFailed(BuildReason.GATE_NOT_APPLICABLE, str(failed.value))


OWN: dict[str, Callable[[Path], BuildFailed]] = {
    "no repository's name": lambda _: of_hub(HFValidationError("no")),
    "no such revision": lambda _: answered(RevisionNotFoundError, 404),
    "gated": lambda _: answered(GatedRepoError, 403),
    "no token": lambda _: answered(HfHubHTTPError, 401),
    "a file that is gone from the hub": lambda _: answered(HfHubHTTPError, 404),
    "a hub that refuses": lambda _: answered(HfHubHTTPError, 400),
    "a registry without the model": lambda folder: pulled(404, folder),
    "a registry that asks for credentials": lambda folder: pulled(403, folder),
    "no folder on the volume": lambda folder: raised(
        lambda: copy_from_volume(VolumeFiles(path="absent"), folder, lambda _: None, mount=folder)
    ),
    "no configuration": lambda folder: raised(lambda: check_whole(folder)),
    "no tokenizer": without_tokenizer,
    "a file that is no JSON": with_bad_json,
    "no room": lambda folder: raised(lambda: check_room(folder, 1 << 60)),
    "a full disk": lambda _: explained(OSError(errno.ENOSPC, "no space left on device")),
    "no memory": lambda _: explained(MemoryError()),
    "a request of another version": unread,
    "a task without figures": not_applicable,
}

OF_THE_REASON: dict[str, Callable[[Path], BuildFailed]] = {
    "what nobody foresaw": lambda _: explained(KeyError("x")),
    "a hub that is down": lambda _: answered(HfHubHTTPError, 503),
    "a registry that is down": lambda folder: pulled(503, folder),
    "a registry that refuses": lambda folder: pulled(405, folder),
}


@pytest.mark.parametrize("what", OWN)
def test_a_fix_of_its_own_stands_alone(what: str, tmp_path: Path) -> None:
    failed = OWN[what](tmp_path)
    assert with_fix(Reason(failed.reason.value), str(failed)) == str(failed)


@pytest.mark.parametrize("what", OF_THE_REASON)
def test_a_message_without_one_gets_that_of_its_reason(what: str, tmp_path: Path) -> None:
    failed = OF_THE_REASON[what](tmp_path)
    reason = Reason(failed.reason.value)
    fix = ADVICE[reason].fix.removesuffix(".")
    assert with_fix(reason, str(failed)) == f"{failed}; {fix[0].lower()}{fix[1:]}"
