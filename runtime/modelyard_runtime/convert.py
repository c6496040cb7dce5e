"""The second step: convert, prove and measure, through the server that will run the result.

What can be refused is refused here, before anything heavy is imported or loaded.
"""

from __future__ import annotations

import os
from contextlib import ExitStack

from modelyard.contract.choices import Task
from modelyard.contract.dataset import NO_PAIRS
from modelyard.contract.report import Machine
from modelyard.contract.request import BuildRequest
from modelyard.contract.steps import BuildReason
from modelyard.gates import GateNotApplicable, parity_for_task
from modelyard_runtime.engines import refusal_of
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.handover import Scratch
from modelyard_runtime.in_process import InProcess
from modelyard_runtime.machine import this_machine
from modelyard_runtime.memory import conversion_memory, parameters_to_load
from modelyard_runtime.models.adapters import read_adapters
from modelyard_runtime.models.description import Description, describe
from modelyard_runtime.progress import Journal
from modelyard_runtime.served import Server
from modelyard_runtime.sidecar import Sidecar
from modelyard_runtime.triton import TritonServer

SIDECAR_PORT = 8000
PORT_VARIABLE = "MODELYARD_SERVER_PORT"


def run(request: BuildRequest, scratch: Scratch, journal: Journal, *, in_process: bool = False) -> None:
    """Convert what ``fetch`` left, and write the artifact's files and the report. Raises BuildFailed.

    ``in_process``: candidates are asked in this very process, on a machine that has no Triton.
    """
    adapters = read_adapters(scratch.adapters, request.adapters)
    description = describe(scratch.source, request.task, adapters)
    machine = this_machine()
    check_request(request, description, machine)
    # Told before a weight is loaded: a step that is killed for memory leaves it as its last word.
    journal.log.update(memory_estimate_bytes=conversion_memory(parameters_to_load(scratch.source, adapters)))
    with journal.stage("import"):
        from modelyard_runtime.conversion import Conversion
    with ExitStack() as stack:
        server: Server = InProcess(repository=scratch.serve)
        if not in_process:
            triton = stack.enter_context(TritonServer(port=int(os.environ.get(PORT_VARIABLE, SIDECAR_PORT))))
            shapes = request.shapes
            server = Sidecar(server=triton, repository=scratch.serve, description=description, shapes=shapes)
        Conversion(
            request=request,
            scratch=scratch,
            journal=journal,
            description=description,
            adapters=adapters,
            machine=machine,
            server=server,
        ).run()


def check_request(request: BuildRequest, description: Description, machine: Machine) -> None:
    """Raise BuildFailed for what can't be honoured."""
    try:
        parity_for_task(request.parity, description.task)
    except GateNotApplicable as error:
        raise BuildFailed(BuildReason.GATE_NOT_APPLICABLE, str(error)) from error
    if request.dataset and description.task is Task.RERANKING:
        raise BuildFailed(BuildReason.GATE_NOT_APPLICABLE, NO_PAIRS)
    longest = request.shapes.sequence.max
    if longest is not None and longest > description.positions:
        raise BuildFailed(
            BuildReason.SHAPES_NOT_POSSIBLE,
            f"shapes.sequence.max is {longest} but the model has {description.positions} positions: "
            f"set optimization.shapes.sequence.max to {description.positions} or less",
        )
    refusals = [refusal_of(candidate, machine) for candidate in request.candidates]
    if all(refusals):
        raise BuildFailed(BuildReason.UNSUPPORTED_PRECISION, "; ".join(map(str, refusals)))
