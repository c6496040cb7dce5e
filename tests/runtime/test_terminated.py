"""A step that is told to end (its model was deleted, its node is drained) ends at once."""

from __future__ import annotations

import os

from modelyard.contract.steps import ExitCode
from tests.runtime.steps import Steps


def test_it_ends_in_the_middle_and_may_be_tried_again(steps: Steps) -> None:
    request = steps.folder / "request.json"
    os.mkfifo(request)
    process = steps.start("fetch")
    writer = os.open(request, os.O_WRONLY)  # returns once the step reads it; it never gets a line
    process.terminate()
    ended = steps.ended(process)
    os.close(writer)
    assert ended.code == 128 + 15
    assert not ExitCode.REFUSED <= ended.code < 128, "nothing was refused: another node may do it"
    assert ended.termination.reason is None
    assert not ended.log, "a traceback would look like a fault"
