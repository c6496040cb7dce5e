"""What the operator reads in a real registry before it starts a Job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelyard.artifacts import Artifacts, doubt_of
from modelyard.contract.choices import Engine, Precision, Task
from modelyard.contract.report import BuildReport, CandidateOutcome, CandidateReport, Machine, Parity, SourceReport
from modelyard.oci.artifact import ARTIFACT_TYPE, attach_report, image_of, push
from modelyard.oci.client import Repository
from modelyard.oci.layers import layers_of
from modelyard.oci.reference import Reference
from modelyard.reasons import Reason
from modelyard.settings import Registry
from modelyard.state.build import Hit, Missing, RegistryAnswer, RegistryFailed
from modelyard.state.observed import ArtifactDoubt
from tests.modelyard.manifests.samples import build_spec
from tests.modelyard.oci.faulty import Answer, faulty_registry
from tests.modelyard.planner.build_world import desired
from tests.servers.registry import RunningRegistry, running_registry

pytestmark = pytest.mark.cluster

KEY = "ab" * 32
# htpasswd -nbB modelyard secret
ACCOUNT = "modelyard:$2y$05$Ry3ACpaFUp6jkIsuLrXG..iFHf9WUCNR7sQUPeuzxTQGhO7sK/p8i"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture
def repository(registry: RunningRegistry, tmp_path: Path) -> Iterator[Repository]:
    """A repository of this test's own."""
    place = Reference.parse(f"{registry.host}/{tmp_path.name.replace('_', '-').lower()}/build:0123")
    with Repository(place, plain_http=True) as repository:
        yield repository


def report(key: str, parity: Parity | None = None) -> bytes:
    """Return a report on the inputs with this key."""
    now = datetime.now(UTC)
    return (
        BuildReport(
            name=key[:16],
            key=key,
            source=SourceReport(
                kind="pvc",
                ref="x",
                digest="d",
                architecture="Bert",
                model_type="bert",
                task=Task.EMBEDDING,
                parameters=1,
            ),
            engine=Engine.ONNX_RUNTIME,
            precision=Precision.FP32,
            candidates=(
                CandidateReport(
                    engine=Engine.ONNX_RUNTIME, precision=Precision.FP32, outcome=CandidateOutcome.CHOSEN, parity=parity
                ),
            ),
            machine=Machine(cpu="c", cores=1, memory=1, instruction_sets=()),
            versions={},
            images={},
            stages=(),
            started_at=now,
            finished_at=now,
        )
        .to_json()
        .encode()
    )


def pushed(repository: Repository, folder: Path, about: bytes | None) -> str:
    (folder / "1").mkdir()
    (folder / "1" / "model.onnx").write_bytes(b"x" * 1000)
    described = push(repository, image_of(layers_of(folder), ARTIFACT_TYPE), "0123")
    if about is not None:
        attach_report(repository, described, about)
    return described.digest


async def asked(repository: Repository, registry: str | None = None) -> RegistryAnswer:
    place = repository.place
    settings = Registry(push=place.registry, pull=place.registry, plain_http=True)
    reference = f"{registry or place.registry}/{place.repository}:0123"
    return await Artifacts(settings).find(reference, KEY, plain_http=True)


async def test_a_tag_that_is_not_there_is_to_be_built(repository: Repository) -> None:
    assert await asked(repository) == Missing()


async def test_an_artifact_with_a_report_on_these_inputs_is_a_hit(repository: Repository, tmp_path: Path) -> None:
    digest = pushed(repository, tmp_path, report(KEY))
    hit = await asked(repository)
    assert isinstance(hit, Hit)
    assert (hit.artifact.digest, hit.artifact.size, hit.report.key) == (digest, 512 + 1024 + 1024, KEY)
    assert doubt_of(hit) is None


async def promoted(repository: Repository, digest: str) -> RegistryAnswer:
    """Ask for an artifact that a user named."""
    ref = f"{repository.place.registry}/{repository.place.repository}@{digest}"
    spec = build_spec({"artifact": {"ref": ref, "plainHttp": True}})
    settings = Registry(push="elsewhere.example.com", pull="elsewhere.example.com")
    return await Artifacts(settings).ask(desired(spec=spec))


async def test_a_promoted_artifact_is_a_hit_whatever_it_was_built_from(repository: Repository, tmp_path: Path) -> None:
    assert await promoted(repository, "sha256:" + "0" * 64) == Missing()
    digest = pushed(repository, tmp_path, report("cd" * 32))
    found = await promoted(repository, digest)
    assert isinstance(found, Hit)
    assert (found.artifact.digest, found.report.key) == (digest, "cd" * 32)


async def test_a_promoted_artifact_without_a_report_proves_nothing(repository: Repository, tmp_path: Path) -> None:
    assert await promoted(repository, pushed(repository, tmp_path, None)) == Missing()


async def test_a_promoted_artifact_behind_a_login(tmp_path: Path) -> None:
    with running_registry(tmp_path, htpasswd=ACCOUNT) as registry:
        place = Reference.parse(f"{registry.host}/n/build")
        with Repository(place, plain_http=True) as repository:
            answer = await promoted(repository, "sha256:" + "0" * 64)
    assert isinstance(answer, RegistryFailed)
    assert answer.reason is Reason.SOURCE_UNAUTHORIZED
    assert answer.message.endswith("name them in spec.source.artifact.pullSecretRef")


async def test_an_artifact_of_which_a_part_was_lost_is_gone(
    repository: Repository, registry: RunningRegistry, tmp_path: Path
) -> None:
    digest = pushed(repository, tmp_path, report(KEY)).removeprefix("sha256:")
    (registry.folder / "data/docker/registry/v2/blobs/sha256" / digest[:2] / digest / "data").unlink()
    doubt = doubt_of(await asked(repository))
    assert doubt is not None
    assert doubt.gone


async def test_a_push_that_was_cut_off_before_its_report_is_run_again(repository: Repository, tmp_path: Path) -> None:
    pushed(repository, tmp_path, None)
    assert await asked(repository) == Missing()


@pytest.mark.parametrize(
    ("about", "told"),
    [(report("cd" * 32), "built from other inputs"), (json.dumps({"schemaVersion": 9}).encode(), "can't be read")],
)
async def test_a_report_that_does_not_verify_is_no_hit(
    repository: Repository, tmp_path: Path, about: bytes, told: str
) -> None:
    pushed(repository, tmp_path, about)
    answer = await asked(repository)
    assert isinstance(answer, RegistryFailed)
    assert answer.reason is Reason.DIGEST_MISMATCH
    assert told in answer.message
    assert "delete the tag" in answer.message


async def test_a_library_beside_a_model_is_no_artifact_whoever_names_it(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "libtriton_modelyard.so").write_bytes(b"code")
    digest = pushed(repository, tmp_path, report(KEY))
    for answer, fix in ((await asked(repository), "delete the tag"), (await promoted(repository, digest), "name the")):
        assert isinstance(answer, RegistryFailed)
        assert answer.reason is Reason.DIGEST_MISMATCH
        assert f"holds libtriton_modelyard.so, which no build makes; {fix}" in answer.message


async def test_a_registry_that_is_down_is_no_miss(repository: Repository) -> None:
    answer = await asked(repository, registry="127.0.0.1:1")
    assert isinstance(answer, RegistryFailed)
    assert answer.reason is Reason.REGISTRY_UNREACHABLE
    assert doubt_of(answer) == ArtifactDoubt(gone=False, message=answer.message)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Reason.REGISTRY_REFUSED),
        (405, Reason.REGISTRY_REFUSED),
        (408, Reason.REGISTRY_UNREACHABLE),
        (503, Reason.REGISTRY_UNREACHABLE),
    ],
)
async def test_a_refusal_is_not_called_an_outage(repository: Repository, status: int, reason: Reason) -> None:
    with faulty_registry(lambda *_: Answer(status=status)) as other:
        answer = await asked(repository, registry=other.host)
    assert isinstance(answer, RegistryFailed)
    assert answer.reason is reason


async def test_a_registry_that_refuses_us_is_no_miss(repository: Repository, tmp_path: Path) -> None:
    with running_registry(
        tmp_path, htpasswd="modelyard:$2y$05$Ry3ACpaFUp6jkIsuLrXG..iFHf9WUCNR7sQUPeuzxTQGhO7sK/p8i"
    ) as other:
        answer = await asked(repository, registry=other.host)
    assert isinstance(answer, RegistryFailed)
    assert answer.reason is Reason.REGISTRY_UNAUTHORIZED


def test_the_push_config_is_read_as_it_is_now(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    artifacts = Artifacts(Registry(push="r", pull="r", push_config_file=file))
    for text in ("{}", '{"auths": {}}'):
        file.write_text(text)
        assert artifacts.push_config() == text
    assert Artifacts(Registry(push="r", pull="r")).push_config() is None
