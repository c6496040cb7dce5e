"""A registry or a hub that goes down and comes back costs a build nothing but the time; a refusal ends it at once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelyard.contract.request import HuggingFaceFiles, OciFiles
from modelyard.contract.steps import WAIT_UNTIL, BuildReason, ExitCode
from modelyard.oci.artifact import MODEL_TYPE, image_of, pull, push
from modelyard.oci.client import Repository
from modelyard.oci.layers import layers_of
from modelyard.oci.reference import Reference
from tests.modelyard.oci.faulty import Answer, faulty_registry
from tests.runtime.folders import USED, files_of
from tests.runtime.steps import Steps, build_request
from tests.runtime.test_publish import converted, opened
from tests.servers.hub import running_hub
from tests.servers.ports import free_ports
from tests.servers.registry import running_registry

AGAIN = "asked again in"


@pytest.fixture
def port() -> int:
    """A port that nobody listens on yet."""
    return free_ports(1)[0]


def test_a_push_goes_on_when_the_registry_is_back(steps: Steps, tmp_path: Path, port: int) -> None:
    out = converted(steps)
    steps.ask(build_request(OciFiles(ref="r"), repository=f"127.0.0.1:{port}/artifacts/m"))
    with running_registry(tmp_path / "registry", port=port):
        pass  # it was there, and goes down
    process = steps.start("publish")
    steps.told(process, AGAIN)
    with running_registry(tmp_path / "registry", port=port) as registry:
        ended = steps.ended(process)
        assert ended.code == ExitCode.OK, ended.log
        with opened(registry.host, "m") as repository:
            pull(repository, "k1", tmp_path / "got")
    assert files_of(tmp_path / "got") == files_of(out)
    waits = [line for line in ended.progress if AGAIN in line.message]
    assert waits
    assert all(line.stage == "push" and line.message.startswith("RegistryUnreachable: ") for line in waits)
    assert (ended.termination.reason, ended.termination.message) == (None, ""), "the outage is over"
    assert ended.termination.artifact is not None


def test_a_registry_that_has_too_much_to_do_is_asked_again(steps: Steps) -> None:
    converted(steps)
    answers = iter([Answer(status=429), Answer(status=503), Answer(status=405)])
    with faulty_registry(lambda *_: next(answers)) as registry:
        ended = steps.run("publish", build_request(OciFiles(ref="r"), repository=f"{registry.host}/artifacts/m"))
        assert len(registry.asked) == 3
    assert sum(AGAIN in line.message for line in ended.progress) == 2
    assert (ended.code, ended.termination.reason) == (ExitCode.REFUSED, BuildReason.REGISTRY_REFUSED), ended.log


def test_a_model_is_pulled_when_its_registry_is_back(steps: Steps, model: Path, tmp_path: Path, port: int) -> None:
    place = f"127.0.0.1:{port}/models/m"
    with (
        running_registry(tmp_path / "registry", port=port),
        Repository(Reference.parse(place), plain_http=True) as repository,
    ):
        digest = push(repository, image_of(layers_of(model), MODEL_TYPE), "v1").digest
    steps.ask(build_request(OciFiles(ref=f"{place}@{digest}", plain_http=True)))
    process = steps.start("fetch")
    steps.told(process, AGAIN)
    with running_registry(tmp_path / "registry", port=port):
        ended = steps.ended(process)
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == {name: (model / name).read_bytes() for name in USED}


def test_a_model_is_downloaded_when_its_hub_is_back(steps: Steps, model: Path, port: int) -> None:
    source = HuggingFaceFiles(repo="tests/tiny", revision="main", endpoint=f"http://127.0.0.1:{port}")
    steps.ask(build_request(source))
    process = steps.start("fetch")
    steps.told(process, AGAIN)
    with running_hub(model, address="127.0.0.1", port=port):
        ended = steps.ended(process)
    assert ended.code == ExitCode.OK, ended.log
    assert files_of(steps.scratch / "source") == {name: (model / name).read_bytes() for name in USED}


@pytest.mark.parametrize("step", ["fetch", "publish"])
def test_an_outage_that_outlasts_the_patience_ends_the_build_and_says_what_it_was(
    steps: Steps, port: int, step: str
) -> None:
    """It ends as a refusal does: another pod would fetch and convert anew, to wait for the same."""
    converted(steps)
    host = f"127.0.0.1:{port}"
    source = OciFiles(ref=f"{host}/models/m:1", plain_http=True)
    request = build_request(source, repository=f"{host}/artifacts/m")
    until = datetime.now(UTC) + timedelta(seconds=20)
    ended = steps.run(step, request, **{WAIT_UNTIL: until.isoformat()})
    assert ended.code == ExitCode.REFUSED, ended.log
    assert any(AGAIN in line.message for line in ended.progress), "it waited before it gave up"
    assert ended.termination.reason in {BuildReason.SOURCE_UNREACHABLE, BuildReason.REGISTRY_UNREACHABLE}
    assert host in ended.termination.message
    assert re.search(r"; waited \d+ s for it$", ended.termination.message)


@pytest.mark.parametrize("environment", [{WAIT_UNTIL: "2026-01-02T03:04:05+00:00"}, {WAIT_UNTIL: ""}])
def test_a_step_that_began_too_late_to_wait_asks_once(steps: Steps, environment: dict[str, str]) -> None:
    converted(steps)
    with faulty_registry(lambda *_: Answer(status=503)) as registry:
        request = build_request(OciFiles(ref="r"), repository=f"{registry.host}/artifacts/m")
        ended = steps.run("publish", request, **environment)
        assert len(registry.asked) == 1
    assert (ended.code, ended.termination.reason) == (ExitCode.REFUSED, BuildReason.REGISTRY_UNREACHABLE), ended.log


def test_a_step_that_is_told_to_end_while_it_waits_has_said_why(steps: Steps, port: int) -> None:
    converted(steps)
    steps.ask(build_request(OciFiles(ref="r"), repository=f"127.0.0.1:{port}/artifacts/m"))
    process = steps.start("publish")
    steps.told(process, AGAIN)
    process.terminate()
    ended = steps.ended(process)
    assert ended.code == 128 + 15
    assert ended.termination.reason is BuildReason.REGISTRY_UNREACHABLE
    assert not ended.log, "a traceback would look like a fault"
