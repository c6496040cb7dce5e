"""Artifacts in the cluster's registry: where another namespace finds them, or with one file exchanged."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from examples.demo.kubectl import Object
from modelyard.contract.report import BuildReport
from modelyard.oci.artifact import ARTIFACT_TYPE, attach_report, image_of, pull, push, read_report
from modelyard.oci.client import Repository
from modelyard.oci.credentials import Credentials
from modelyard.oci.layers import Descriptor, layers_of
from modelyard.oci.reference import Reference

Change = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """The registry that builds push to. ``address`` is host:port of its writing port as this machine reaches it."""

    address: str
    credentials: Credentials

    def copy(self, build: Object, namespace: str) -> Object:
        """Push the build's artifact and report where ``namespace`` would, and return the build as it would be there."""
        destination = build["spec"]["destination"]
        registry, _, name = destination["repository"].split("/")
        there = {**destination, "repository": f"{registry}/{namespace}/{name}"}
        with self._pulled(destination) as (folder, before, report), self._opened(there) as repository:
            after = push(repository, image_of(layers_of(folder), ARTIFACT_TYPE), there["tag"])
            assert after.digest == before.digest, "the same files make the same artifact"
            attach_report(repository, after, report)
        return {**build, "spec": {**build["spec"], "destination": there}}

    def lose(self, build: Object) -> None:
        """Delete the build's artifact: neither its tag nor its digest is there any more."""
        destination = build["spec"]["destination"]
        with self._opened(destination) as repository:
            found = repository.resolve(destination["tag"])
        assert found is not None, f"{destination} is not there"
        url = f"http://{self.address}/v2/{repository.place.repository}/manifests/{found.digest}"
        with httpx.Client(trust_env=False, auth=(self.credentials.username, self.credentials.password)) as client:
            client.delete(url).raise_for_status()

    def report(self, build: Object) -> BuildReport:
        """Return the build's report."""
        with self._pulled(build["spec"]["destination"]) as (_, __, report):
            return BuildReport.model_validate_json(report)

    def exchange(self, build: Object, path: str, change: Change) -> None:
        """Push the build's artifact again under its tag, the file at ``path`` changed, the report as it was.

        What a disk, a node or an attacker might do.
        """
        destination = build["spec"]["destination"]
        with self._pulled(destination) as (folder, before, report), self._opened(destination) as repository:
            changed = folder / path
            changed.write_bytes(change(changed.read_bytes()))
            after = push(repository, image_of(layers_of(folder), ARTIFACT_TYPE), destination["tag"])
            assert after.digest != before.digest
            attach_report(repository, after, report.replace(before.digest.encode(), after.digest.encode()))

    @contextmanager
    def _pulled(self, destination: Object) -> Iterator[tuple[Path, Descriptor, bytes]]:
        """Have the artifact's files in a folder for the block, with what describes it, and its report."""
        with self._opened(destination) as repository, tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            described = pull(repository, destination["tag"], folder)
            report = read_report(repository, described.digest)
            assert report is not None, f"{destination} has no report"
            yield folder, described, report

    def _opened(self, destination: Object) -> Repository:
        repository = destination["repository"].partition("/")[2]
        place = Reference(registry=self.address, repository=repository, tag=destination["tag"])
        return Repository(place, plain_http=True, credentials=self.credentials)


def other_golden_answers(golden: bytes) -> bytes:
    """Return golden samples that each answer what belongs to the next one."""
    content = json.loads(golden)
    answers = [sample["answer"] for sample in content["samples"]]
    for sample, answer in zip(content["samples"], [*answers[1:], answers[0]], strict=True):
        sample["answer"] = answer
    return json.dumps(content).encode()


def cut_in_half(content: bytes) -> bytes:
    """Return the first half of a file."""
    return content[: len(content) // 2]
