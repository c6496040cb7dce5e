"""Publishing into a real registry: what is pushed, when it is not, and what never is."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from modelyard.contract.choices import Engine, Precision, Task
from modelyard.contract.report import BuildReport, CandidateOutcome, CandidateReport, Machine, SourceReport
from modelyard.contract.request import OciFiles
from modelyard.contract.steps import BuildReason, ExitCode
from modelyard.oci.artifact import ARTIFACT_TYPE, CONFIG_TYPE, image_of, pull, read_report
from modelyard.oci.client import Repository
from modelyard.oci.layers import Descriptor, layers_of
from modelyard.oci.reference import Reference
from tests.runtime.folders import files_of, write
from tests.runtime.steps import Ended, Steps, build_request
from tests.servers.registry import RunningRegistry, running_registry

USER = "reader:$2b$05$E3lfpYuUhGXy7dRtt1SGdOmBCNEZgKC6TcGUH5GzNRJQzjbrbzUVq"
"""A line of htpasswd."""


def report() -> BuildReport:
    chosen = CandidateReport(engine=Engine.ONNX_RUNTIME, precision=Precision.FP32, outcome=CandidateOutcome.CHOSEN)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return BuildReport(
        name="m-0123456789abcdef",
        key="ab" * 32,
        source=SourceReport(
            kind="oci",
            ref="r",
            digest="sha256:1",
            architecture="BertModel",
            model_type="bert",
            task=Task.EMBEDDING,
            parameters=1,
        ),
        engine=chosen.engine,
        precision=chosen.precision,
        candidates=(chosen,),
        machine=Machine(cpu="c", cores=1, memory=1, instruction_sets=()),
        versions={},
        images={},
        stages=(),
        started_at=now,
        finished_at=now,
    )


def converted(steps: Steps) -> Path:
    """Leave what ``convert`` leaves, and return the artifact's folder."""
    out = steps.scratch / "out"
    write(out / "1" / "modelyard.json", "{}")
    write(out / "golden.json", "[]")
    (out / "1" / "model.onnx").write_bytes(bytes(range(256)) * 5000)
    (steps.scratch / "report.json").write_text(report().to_json())
    return out


def published(steps: Steps, host: str, name: str, **environment: str) -> Ended:
    repository = f"{host}/artifacts/{name}"
    return steps.run("publish", build_request(OciFiles(ref="r"), repository=repository), **environment)


@contextmanager
def opened(host: str, name: str) -> Iterator[Repository]:
    with Repository(Reference.parse(f"{host}/artifacts/{name}:k1"), plain_http=True) as repository:
        yield repository


def members_of(layer: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=BytesIO(layer)) as archive:
        return archive.getmembers()


def test_what_is_published_can_be_pulled(steps: Steps, registry: RunningRegistry, tmp_path: Path) -> None:
    out = converted(steps)
    ended = published(steps, registry.host, "pulled")
    assert ended.code == ExitCode.OK, ended.log
    artifact = ended.termination.artifact
    assert artifact is not None
    with opened(registry.host, "pulled") as repository:
        assert pull(repository, "k1", tmp_path / "got").digest == artifact.digest
        content = read_report(repository, artifact.digest)
    assert files_of(tmp_path / "got") == files_of(out)
    assert content is not None
    told = BuildReport.model_validate_json(content)
    assert told == report().model_copy(update={"artifact": artifact.model_copy(update={"report": None})})


def test_an_artifact_is_an_image_that_a_node_can_mount(steps: Steps, registry: RunningRegistry) -> None:
    """Its config lists the digests of the layers as they are unpacked, and each layer is a tar of one plain file."""
    out = converted(steps)
    published(steps, registry.host, "mounted")
    with opened(registry.host, "mounted") as repository:
        _, manifest = repository.manifest("k1")
        assert manifest["artifactType"] == ARTIFACT_TYPE
        assert manifest["config"]["mediaType"] == CONFIG_TYPE
        config = json.loads(repository.blob(Descriptor.from_json(manifest["config"])))
        layers = [repository.blob(Descriptor.from_json(layer)) for layer in manifest["layers"]]
    assert config["os"] == "linux"
    assert config["architecture"] in {"amd64", "arm64"}
    assert config["rootfs"]["type"] == "layers"
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    members = [member for layer in layers for member in members_of(layer)]
    assert [member.name for member in members] == sorted(files_of(out))
    assert {(m.type, m.mode, m.uid, m.gid, m.mtime) for m in members} == {(tarfile.REGTYPE, 0o644, 0, 0, 0)}


def test_the_same_files_are_the_same_artifact(tmp_path: Path) -> None:
    """Whatever their times, modes and order of writing."""
    digests = set()
    for number, order in enumerate((("a", "b", "1/c"), ("1/c", "b", "a"))):
        folder = tmp_path / str(number)
        for name in order:
            write(folder / name, f"content of {name}")
            (folder / name).chmod(0o600 + 0o44 * number)
            os.utime(folder / name, (1000 + number, 1000 + number))
        digests.add(image_of(layers_of(folder), ARTIFACT_TYPE).digest)
    assert len(digests) == 1


def test_publishing_again_pushes_no_artifact(steps: Steps, registry: RunningRegistry) -> None:
    converted(steps)
    first = published(steps, registry.host, "again").termination.artifact
    stored = files_of(registry.folder / "data")
    second = published(steps, registry.host, "again").termination.artifact
    assert first == second
    assert files_of(registry.folder / "data") == stored


@pytest.mark.parametrize("name", ["out/1/secret", "out/golden.json", "report.json"])
def test_a_link_is_never_followed(steps: Steps, registry: RunningRegistry, name: str) -> None:
    """The step before runs the model's code; this one holds the registry's secret."""
    converted(steps)
    write(steps.folder / "config.json", '{"auths": {"password": "hunter2"}}')
    (steps.scratch / name).unlink(missing_ok=True)
    (steps.scratch / name).symlink_to(steps.folder / "config.json")
    ended = published(steps, registry.host, "linked")
    assert ended.termination.reason is BuildReason.CONVERSION_FAILED, ended.log
    assert ended.code == ExitCode.REFUSED
    assert "hunter2" not in ended.termination.message + ended.log
    with opened(registry.host, "linked") as repository:
        assert repository.resolve("k1") is None


def test_nothing_to_publish(steps: Steps, registry: RunningRegistry) -> None:
    ended = published(steps, registry.host, "nothing")
    assert ended.termination.reason is BuildReason.CONVERSION_FAILED, ended.log
    assert ended.code == ExitCode.REFUSED
    assert "report.json" in ended.termination.message


def test_a_registry_that_asks_for_a_secret(steps: Steps, tmp_path: Path) -> None:
    converted(steps)
    with running_registry(tmp_path / "registry", htpasswd=USER) as registry:
        ended = published(steps, registry.host, "closed")
    assert ended.termination.reason is BuildReason.REGISTRY_UNAUTHORIZED, ended.log
    assert ended.code == ExitCode.REFUSED
