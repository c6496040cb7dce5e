"""The Job's steps as processes of this machine: their progress told to a person, their refusals raised."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from modelyard.contract.dataset import DATASET_VARIABLE
from modelyard.contract.request import BuildRequest
from modelyard.contract.steps import Progress, Step, Termination
from modelyard.errors import ModelyardError

TELL_SECONDS = 10.0
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
"""What keeps libraries from asking a hub while a model is converted, as in the Job."""

Tell = Callable[[str], None]
"""Told one line for a person."""


class BuildStopped(ModelyardError):
    """A step ended without its result. Says what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """A build's steps on one scratch folder."""

    scratch: Path
    tell: Tell

    def run(self, request: BuildRequest, dataset: bytes) -> None:
        """Fetch and convert. Raises BuildStopped.

        dataset: the file of the user's texts, if the request names one.
        """
        if importlib.util.find_spec("modelyard_runtime") is None or importlib.util.find_spec("torch") is None:
            fix = "install it from a checkout: pip install 'CHECKOUT[runtime]'"
            raise BuildStopped(f"what converts is not installed; {fix}")
        self.scratch.mkdir(parents=True, exist_ok=True)
        (self.scratch / "request.json").write_text(request.to_json())
        texts = self.scratch / "dataset"
        if request.dataset:
            texts.mkdir(exist_ok=True)
            (texts / request.dataset.key).write_bytes(dataset)
        self._step(Step.FETCH)
        for adapter in request.adapters:
            self._step(Step.FETCH, f"--adapter={adapter.name}")
        self._step(Step.CONVERT, "--in-process", environment=OFFLINE | {DATASET_VARIABLE: str(texts)})

    def _step(self, step: Step, *options: str, environment: dict[str, str] | None = None) -> None:
        """Run one step to its end."""
        message, log = self.scratch / f"{step}.json", self.scratch / f"{step}.log"
        command = [sys.executable, "-m", "modelyard_runtime", step, *options]
        command += [f"--request={self.scratch / 'request.json'}", f"--scratch={self.scratch}"]
        variables = os.environ | {"MODELYARD_TERMINATION_LOG": str(message)} | (environment or {})
        with log.open("wb") as errors:
            process = subprocess.Popen(  # noqa: S603 - our own module, by argument list
                command, env=variables, stdout=subprocess.PIPE, stderr=errors, text=True
            )
            with process:
                try:
                    self._follow(process)
                except BaseException:  # whoever interrupts the build ends its step too
                    process.terminate()
                    raise
        if process.returncode:
            raise BuildStopped(_why(step, process.returncode, message, log))

    def _follow(self, process: subprocess.Popen[str]) -> None:
        """Tell each stage as it ends, and how far one is that takes long."""
        told = time.monotonic()
        for line in process.stdout or ():
            try:
                progress = Progress.model_validate_json(line)
            except ValidationError:
                continue  # a library's own words
            if progress.message:
                self.tell(f"{progress.step}: {progress.stage}: {progress.message}")
                told = time.monotonic()
            elif time.monotonic() - told >= TELL_SECONDS:
                self.tell(f"{progress.step}: {progress.stage} ({progress.fraction:.0%})")
                told = time.monotonic()


def _why(step: Step, code: int, message: Path, log: Path) -> str:
    """Return why a step ended: its own last word, or where its log is."""
    ended = Termination.model_validate_json(message.read_text()) if message.exists() else Termination(step=step)
    if ended.reason:
        return f"{step}: {ended.reason}: {ended.message}"
    estimate = ended.memory_estimate_bytes
    needs = f"; it needs about {estimate / 2**30:.1f} GiB of memory" if estimate else ""
    return f"{step} ended with {code} at {ended.stage or 'its start'}{needs}; its log is {log}"
