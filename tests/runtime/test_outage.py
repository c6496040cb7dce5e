"""A registry or a hub that goes down and comes back costs a build nothing but the time; a refusal ends it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.contract.request import HuggingFaceFiles, OciFiles
from modelyard.contract.steps import BuildReason, ExitCode
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
def test_an_outage_as_long_as_the_build_may_take_is_told(steps: Steps, port: int, step: str) -> None:
    converted(steps)
    host = f"127.0.0.1:{port}"
    source = OciFiles(ref=f"{host}/models/m:1", plain_http=True)
    request = build_request(source, repository=f"{host}/artifacts/m").model_copy(update={"timeout_seconds": 1})
    ended = steps.run(step, request)
    assert ended.code == ExitCode.TRANSIENT, ended.log
    assert ended.termination.reason in {BuildReason.SOURCE_UNREACHABLE, BuildReason.REGISTRY_UNREACHABLE}
    assert host in ended.termination.message
    assert "waited 1 s for it" in ended.termination.message


def test_a_step_that_waits_ends_at_once_and_has_said_why(steps: Steps, port: int) -> None:
    converted(steps)
    steps.ask(build_request(OciFiles(ref="r"), repository=f"127.0.0.1:{port}/artifacts/m"))
    process = steps.start("publish")
    steps.told(process, "asked again in 8 s")
    process.terminate()
    process.wait(timeout=4)
    ended = steps.ended(process)
    assert ended.code == 128 + 15
    assert ended.termination.reason is BuildReason.REGISTRY_UNREACHABLE
    assert not ended.log, "a traceback would look like a fault"
