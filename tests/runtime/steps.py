"""One step of a build run as its container runs it, but for the paths."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from modelyard.contract.choices import Candidate, Engine, Precision
from modelyard.contract.request import BuildRequest, Destination, SourceFiles
from modelyard.contract.steps import Progress, Termination


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

    def run(self, step: str, request: BuildRequest, **environment: str) -> Ended:
        """Run a step. Secrets and addresses of this machine's own environment don't reach it."""
        (self.folder / "request.json").write_text(request.to_json())
        return self.run_as_it_is(step, **environment)

    def run_as_it_is(self, step: str, **environment: str) -> Ended:
        """Run a step with the request that lies there."""
        return self.ended(self.start(step, **environment))

    def start(self, step: str, **environment: str) -> subprocess.Popen[str]:
        """Start a step with the request that lies there."""
        self.scratch.mkdir(exist_ok=True)
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "DOCKER_"))}
        ours |= {"HOME": str(self.folder), "MODELYARD_TERMINATION_LOG": str(self.message)} | environment
        options = [f"--request={self.folder / 'request.json'}", f"--scratch={self.scratch}"]
        command = [sys.executable, "-m", "modelyard_runtime", step, *options]
        return subprocess.Popen(command, env=ours, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ended(self, process: subprocess.Popen[str]) -> Ended:
        """Wait for a step that was started."""
        with process:
            try:
                output, log = process.communicate(timeout=280)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Ended(
            code=process.returncode,
            termination=Termination.model_validate_json(self.message.read_text()),
            progress=[Progress.model_validate_json(line) for line in output.splitlines()],
            log=log,
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
