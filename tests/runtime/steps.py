"""One step of a build run as its container runs it, but for the paths."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from modelyard.contract.choices import Candidate, Engine, Precision
from modelyard.contract.request import BuildRequest, Destination, SourceFiles
from modelyard.contract.steps import WAIT_UNTIL, Progress, Termination

THEIRS = ("HF_", "DOCKER_", "AWS_", "AZURE_", "GOOGLE_", "OBJECT_STORE_")
"""What variables begin with that say whom a step asks, and as who."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a step left: exit code, termination message, progress, and its log."""

    code: int
    termination: Termination
    progress: list[Progress]
    log: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Runs steps on one scratch disk, below ``folder``."""

    folder: Path

    @property
    def scratch(self) -> Path:
        """Return the disk."""
        return self.folder / "scratch"

    @property
    def message(self) -> Path:
        """Return the file of the termination message."""
        return self.folder / "termination-log"

    @property
    def output(self) -> Path:
        """Return the file of the progress."""
        return self.folder / "output"

    @property
    def log(self) -> Path:
        """Return the file of what a step writes to standard error."""
        return self.folder / "log"

    def run(self, step: str, request: BuildRequest, *options: str, **environment: str) -> Ended:
        """Run a step. Secrets and addresses of this machine's own environment don't reach it."""
        self.ask(request)
        return self.run_as_it_is(step, *options, **environment)

    def ask(self, request: BuildRequest) -> None:
        """Put a request where steps read it."""
        (self.folder / "request.json").write_text(request.to_json())

    def run_as_it_is(self, step: str, *options: str, **environment: str) -> Ended:
        """Run a step with the request that lies there."""
        return self.ended(self.start(step, *options, **environment))

    def start(self, step: str, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a step with the request that lies there. It waits an hour for what doesn't answer."""
        self.scratch.mkdir(exist_ok=True)
        ours = {name: value for name, value in os.environ.items() if not name.startswith(THEIRS)}
        ours |= {"HOME": str(self.folder), "MODELYARD_TERMINATION_LOG": str(self.message)}
        ours |= {WAIT_UNTIL: (datetime.now(UTC) + timedelta(hours=1)).isoformat()} | environment
        places = [f"--request={self.folder / 'request.json'}", f"--scratch={self.scratch}"]
        command = [sys.executable, "-m", "modelyard_runtime", step, *options, *places]
        with self.output.open("wb") as output, self.log.open("wb") as log:
            return subprocess.Popen(command, env=ours, stdout=output, stderr=log)

    def told(self, process: subprocess.Popen[bytes], words: str) -> None:
        """Return as soon as a step that was started says something."""
        deadline = time.monotonic() + 240
        while words not in self.output.read_text():
            assert process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.05)

    def ended(self, process: subprocess.Popen[bytes]) -> Ended:
        """Wait for a step that was started."""
        with process:
            try:
                process.wait(timeout=280)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Ended(
            code=process.returncode,
            termination=Termination.model_validate_json(self.message.read_text()),
            progress=[Progress.model_validate_json(line) for line in self.output.read_text().splitlines()],
            log=self.log.read_text(),
        )


def build_request(source: SourceFiles, *, repository: str = "127.0.0.1:9/artifacts/m") -> BuildRequest:
    """Return a request for a build of ``source``, to be pushed to ``repository``."""
    return BuildRequest(
        name="m-0123456789abcdef",
        key="ab" * 32,
        source=source,
        candidates=(Candidate(engine=Engine.ONNX_RUNTIME, precision=Precision.FP32),),
        destination=Destination(repository=repository, tag="k1", plain_http=True),
    )
