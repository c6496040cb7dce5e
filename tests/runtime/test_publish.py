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
from modelyard.oci.artifact import ARTIFACT_TYPE, CONFIG_TYPE, REPORT_TYPE, image_of, pull, read_report
from modelyard.oci.client import Repository
from modelyard.oci.layers import Descriptor, layers_of
from modelyard.oci.reference import Reference
from modelyard.report.html import html_of
from modelyard.report.lineage import LINEAGE_TYPE
from modelyard.report.markdown import markdown_of
from tests.modelyard.oci.faulty import Answer, faulty_registry
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


def test_a_file_that_no_build_makes_is_not_pushed(steps: Steps, registry: RunningRegistry) -> None:
    (converted(steps) / "1" / "libtriton_modelyard.so").write_bytes(b"code")
    ended = published(steps, registry.host, "strange")
    assert ended.code == ExitCode.REFUSED
    assert "1/libtriton_modelyard.so is no file of an artifact" in ended.termination.message


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


def test_the_evidence_is_attached_as_people_and_as_tools_read_it(
    steps: Steps, registry: RunningRegistry, tmp_path: Path
) -> None:
    converted(steps)
    artifact = published(steps, registry.host, "evidence").termination.artifact
    assert artifact is not None
    with opened(registry.host, "evidence") as repository:
        (about,) = repository.referrers(artifact.digest, REPORT_TYPE)
        (lineage,) = repository.referrers(artifact.digest, LINEAGE_TYPE)
        pull(repository, about.digest, tmp_path / "report")
        pull(repository, lineage.digest, tmp_path / "lineage")
        _, manifest = repository.manifest(lineage.digest)
    assert about.digest == artifact.report
    assert set(files_of(tmp_path / "report")) == {"report.json", "report.md", "report.html"}
    told = BuildReport.model_validate_json((tmp_path / "report" / "report.json").read_bytes())
    assert (tmp_path / "report" / "report.md").read_text() == markdown_of(told)
    assert (tmp_path / "report" / "report.html").read_text() == html_of(told)
    assert dict(lineage.annotations)["in-toto.io/predicate-type"] == "https://slsa.dev/provenance/v1"
    assert manifest["layers"][0]["mediaType"] == LINEAGE_TYPE
    statement = json.loads((tmp_path / "lineage" / "lineage.json").read_bytes())
    assert statement["subject"][0]["digest"] == {"sha256": artifact.digest.removeprefix("sha256:")}
    (named,) = statement["predicate"]["runDetails"]["byproducts"]
    whole = (tmp_path / "report" / "report.json").read_bytes()
    assert named["digest"] == {"sha256": hashlib.sha256(whole).hexdigest()}


def test_measured_anew_it_is_the_same_artifact_with_the_new_report(steps: Steps, registry: RunningRegistry) -> None:
    converted(steps)
    first = published(steps, registry.host, "anew").termination.artifact
    later = report().model_copy(update={"finished_at": datetime(2026, 2, 1, tzinfo=UTC), "peak_memory_bytes": 7})
    (steps.scratch / "report.json").write_text(later.to_json())
    second = published(steps, registry.host, "anew").termination.artifact
    assert first is not None
    assert second is not None
    assert (second.digest, second.size) == (first.digest, first.size)
    assert second.report != first.report
    with opened(registry.host, "anew") as repository:
        content = read_report(repository, second.digest)
    assert content is not None
    assert BuildReport.model_validate_json(content).peak_memory_bytes == 7


def test_the_report_is_attached_last_since_it_says_that_the_artifact_is_whole(steps: Steps) -> None:
    """In a registry with the referrers API, which has all blobs already."""

    def respond(method: str, path: str, _: dict[str, str]) -> Answer:
        if method == "PUT":
            return Answer(status=201, headers={"OCI-Subject": "sha256:0"})
        return Answer(status=200 if "/blobs/" in path else 404)

    converted(steps)
    with faulty_registry(respond) as registry:
        artifact = published(steps, registry.host, "last").termination.artifact
        put = [path.rpartition("/")[2] for method, path, _ in registry.asked if method == "PUT"]
    assert artifact is not None
    assert len(put) == 3
    assert (put[0], put[-1]) == ("k1", artifact.report)


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
