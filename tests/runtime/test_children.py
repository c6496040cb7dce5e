"""Watching the children of a process that is another's parent, as Triton is of those that run our backend."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from errno import EPERM

import psutil
import pytest

from modelyard_runtime.server.children import Children
from modelyard_runtime.server.supervisor import watched_children

PARENT = """
import subprocess
children = [subprocess.Popen(["sleep", "600"]) for _ in range(2)]
print("there", flush=True)
for child in children:
    child.wait()
"""


@pytest.fixture
def parent() -> Iterator[psutil.Process]:
    """A process with two children."""
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield psutil.Process(process.pid)
        os.killpg(process.pid, signal.SIGKILL)


def test_one_that_is_killed_is_noticed(parent: psutil.Process) -> None:
    children = Children(parent.pid)
    assert not children.ended()
    parent.children()[1].kill()
    children.wait()
    assert children.ended()


def test_where_nobody_may_watch_a_server_serves_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, parent: psutil.Process
) -> None:
    def forbidden(pid: int) -> int:
        raise PermissionError(EPERM, os.strerror(EPERM), str(pid))

    monkeypatch.setattr(os, "pidfd_open", forbidden)  # as seccomp profiles of older container runtimes do
    with caplog.at_level(logging.WARNING):
        assert watched_children(parent.pid) == []
    assert "one that dies leaves this server ready" in caplog.text
