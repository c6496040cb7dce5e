"""Artifacts in the cluster's registry, with one file exchanged: what a disk, a node or an attacker might do."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from examples.demo.kubectl import Object
from modelyard.oci.artifact import ARTIFACT_TYPE, attach_report, image_of, pull, push, read_report
from modelyard.oci.client import Repository
from modelyard.oci.credentials import Credentials
from modelyard.oci.layers import layers_of
from modelyard.oci.reference import Reference

Change = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """The registry that builds push to. ``address`` is host:port of its writing port as this machine reaches it."""

    address: str
    credentials: Credentials

    def exchange(self, build: Object, path: str, change: Change) -> None:
        """Push the build's artifact again under its tag, the file at ``path`` changed, the report as it was."""
        destination = build["spec"]["destination"]
        repository, tag = destination["repository"].partition("/")[2], destination["tag"]
        place = Reference(registry=self.address, repository=repository, tag=tag)
        opened = Repository(place, plain_http=True, credentials=self.credentials)
        with opened as registry, tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            before = pull(registry, tag, folder)
            report = read_report(registry, before.digest)
            assert report is not None, f"{place} has no report"
            changed = folder / path
            changed.write_bytes(change(changed.read_bytes()))
            image = image_of(layers_of(folder), ARTIFACT_TYPE)
            after = push(registry, image, tag)
            assert after.digest != before.digest
            attach_report(registry, after, report.replace(before.digest.encode(), after.digest.encode()))


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
