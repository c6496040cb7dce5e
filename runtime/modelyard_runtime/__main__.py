"""One step of a build: ``python3 -m modelyard_runtime fetch | convert | publish``.

Reads the request, leaves progress on standard output and a termination message, and exits with ``ExitCode``.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from modelyard.contract.request import BuildRequest
from modelyard.contract.steps import BuildReason, ExitCode, Step
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.handover import Scratch
from modelyard_runtime.progress import Journal
from modelyard_runtime.termination import TerminationLog

NO_MEMORY = ("can't allocate memory", "Cannot allocate memory", "std::bad_alloc", "Failed to allocate memory")
"""How libraries say it that raise no MemoryError: torch, the kernel, OpenVINO, ONNX Runtime."""


def main(arguments: list[str] | None = None) -> int:
    """Run a step. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="modelyard_runtime", description="Run one step of a build.")
    parser.add_argument("step", type=Step, choices=list(Step), metavar="{fetch,convert,publish}")
    parser.add_argument("--request", type=Path, default=Path("/etc/modelyard/request.json"))
    parser.add_argument("--scratch", type=Path, default=Path("/scratch"))
    parser.add_argument("--in-process", action="store_true", help="convert: ask candidates here, without a server")
    parser.add_argument("--adapter", default="", metavar="NAME", help="fetch: this adapter, and not the model")
    options = parser.parse_args(arguments)
    if options.in_process and options.step is not Step.CONVERT:
        parser.error("--in-process is for convert: no other step asks candidates")
    if options.adapter and options.step is not Step.FETCH:
        parser.error("--adapter is for fetch: no other step reads one alone")
    how: dict[str, object] = {"in_process": True} if options.in_process else {}
    if options.adapter:
        how["adapter"] = options.adapter
    signal.signal(signal.SIGTERM, _end)
    os.umask(0o002)  # the sidecar reads what this step writes, maybe as another user of the pod's group
    log = TerminationLog(options.step)
    try:
        request = BuildRequest.model_validate_json(options.request.read_text())
        module = importlib.import_module(f"modelyard_runtime.{options.step}")
        module.run(request, Scratch(root=options.scratch), Journal(options.step, log), **how)
    except Exception as error:  # noqa: BLE001 - whatever it is, the operator is told
        traceback.print_exc()
        failed = explained(error)
        log.update(reason=failed.reason, message=str(failed))
        return ExitCode.REFUSED
    return ExitCode.OK


def _end(number: int, _: object) -> NoReturn:
    """End as a signal ends any other process: the kernel spares the first one of a container without a handler."""
    sys.exit(128 + number)


def explained(error: Exception) -> BuildFailed:
    """Return what stopped a step as a reason out of the closed set; what nobody foresaw in its own words."""
    if isinstance(error, BuildFailed):
        return error
    if isinstance(error, MemoryError) or any(words in str(error) for words in NO_MEMORY):
        message = f"the step ran out of memory: raise spec.build.resources.limits.memory ({error!r})"
        return BuildFailed(BuildReason.OUT_OF_MEMORY, message)
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return BuildFailed(BuildReason.DISK_FULL, f"the scratch volume is full ({error}): raise spec.build.scratch")
    if isinstance(error, ValidationError):
        fault = error.errors()[0]["msg"]
        message = f"the request can't be read ({fault}); use images of operator and runtime of one version"
        return BuildFailed(BuildReason.CONVERSION_FAILED, message)
    message = f"{type(error).__name__}: {error}; nobody foresaw this: its traceback is in the step's log"
    return BuildFailed(BuildReason.CONVERSION_FAILED, message)


if __name__ == "__main__":
    sys.exit(main())
