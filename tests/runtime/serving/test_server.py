"""The supervisor: proves before it is ready, says why it refuses, and ends in bounded time whatever Triton does."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from modelyard_runtime.golden import GOLDEN_FILE
from modelyard_runtime.triton import ServerLost, ServerRefused, TritonServer
from tests.runtime.serving.conftest import texts_of
from tests.servers.triton import START_SECONDS, RunningTriton, running_triton

REFUSED, SERVER_DIED = 65, 70


def until(holds: Callable[[], bool], seconds: float, triton: RunningTriton) -> None:
    """Wait for something to hold."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, triton.log
        time.sleep(0.02)


def ended(triton: RunningTriton, seconds: float = 30) -> tuple[int, dict[str, str]]:
    """Return how the supervisor ended: exit code and termination message."""
    code = triton.process.wait(seconds)
    return code, json.loads(triton.termination.read_text()) if triton.termination.exists() else {}


def everyone(triton: RunningTriton) -> list[psutil.Process]:
    """Return the supervisor and all that descends from it."""
    supervisor = psutil.Process(triton.process.pid)
    return [supervisor, *supervisor.children(recursive=True)]


def test_a_pod_is_ready_once_its_golden_samples_are_answered_as_proven(pod: Callable[[], Path], tmp_path: Path) -> None:
    with running_triton(pod(), tmp_path / "run") as triton:
        until(triton.ready, 60, triton)
        assert "answered 3 golden samples as proven" in triton.log
        with triton.client() as client:
            ids = texts_of(9, 1)[0][None]
            name = client.models()[0]["name"]
            answer = client.infer(name, {"input_ids": ids, "attention_mask": np.ones_like(ids)}, "embedding")
            assert np.linalg.norm(answer) == pytest.approx(1, abs=1e-3)


def test_a_server_that_lost_a_process_of_its_backend_ends_instead_of_answering_500(
    pod: Callable[[], Path], tmp_path: Path
) -> None:
    with running_triton(pod(), tmp_path / "run") as triton:
        until(triton.ready, 60, triton)
        (stub,) = [one for one in everyone(triton) if "stub" in one.name()]
        stub.kill()
        code, message = ended(triton, 20)
    assert (code, message["reason"]) == (SERVER_DIED, "ServerDied")
    assert "a process of its backend had ended" in message["message"]


def test_a_pod_that_answers_differently_never_is_ready(pod: Callable[[], Path], tmp_path: Path) -> None:
    repository = pod()
    path = next(repository.glob(f"*/{GOLDEN_FILE}"))
    golden = json.loads(path.read_text())
    golden["samples"][1]["answer"] = golden["samples"][0]["answer"]
    path.write_text(json.dumps(golden))
    with running_triton(repository, tmp_path / "run") as triton:
        said = set()
        while triton.process.poll() is None:
            said |= {triton.ready(), triton.serving()}
        code, message = ended(triton, 1)
    assert said <= {False}
    assert (code, message["reason"]) == (REFUSED, "GoldenMismatch")
    assert "golden sample 2 of 3" in message["message"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda model: (model / "1" / "model.onnx").write_bytes(b"no graph"), "did not load"),
        (lambda model: (model / "config.pbtxt").write_text("nonsense: 1"), "config.pbtxt can't be read"),
        (lambda model: (model / GOLDEN_FILE).unlink(), "golden.json is missing"),
        (lambda model: (model / GOLDEN_FILE).write_text("{"), "delimiter|property name"),
    ],
    ids=["graph", "config", "no-golden", "cut-golden"],
)
def test_a_repository_that_can_t_be_served_ends_the_pod_with_the_reason(
    pod: Callable[[], Path], tmp_path: Path, spoil: Callable[[Path], object], says: str
) -> None:
    repository = pod()
    spoil(next(repository.iterdir()))
    with running_triton(repository, tmp_path / "run") as triton:
        code, message = ended(triton, 60)
    assert (code, message["reason"]) == (REFUSED, "ServerRefused")
    assert re.search(says, message["message"]), message


def test_a_triton_with_known_exploits_ends_the_pod_unless_it_is_allowed(
    pod: Callable[[], Path], tmp_path: Path
) -> None:
    with running_triton(pod(), tmp_path / "run", insecure=False) as triton:
        code, message = ended(triton, 60)
    assert (code, message["reason"]) == (REFUSED, "InsecureServer")
    assert "Triton 2.51.0 has public remote exploits, and nothing below 2.71.0" in message["message"]


def test_an_empty_repository_is_said_to_be_empty(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    with running_triton(tmp_path / "models", tmp_path / "run") as triton:
        code, message = ended(triton, 60)
    assert (code, message["reason"]) == (REFUSED, "ServerRefused")
    assert "was the artifact pulled?" in message["message"]


def test_it_ends_in_bounded_time_with_an_idle_connection_and_leaves_nobody(
    pod: Callable[[], Path], tmp_path: Path
) -> None:
    with running_triton(pod(), tmp_path / "run", "--stop-seconds=2") as triton:
        until(triton.ready, 60, triton)
        family = everyone(triton)
        assert len(family) >= 3  # supervisor, server, one instance of the model
        with TritonServer("127.0.0.1", triton.http_port) as idle:
            assert idle.live()
            began = time.monotonic()
            triton.process.send_signal(signal.SIGTERM)
            code, message = ended(triton, 20)
        assert (code, message) == (0, {})
        assert time.monotonic() - began < 8
        assert [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []


def test_beside_a_build_it_ends_at_once_though_a_connection_holds_it(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    beside = running_triton(tmp_path / "models", tmp_path / "run", "--explicit", "--stop-seconds=60")
    with beside as triton, TritonServer("127.0.0.1", triton.http_port) as idle:
        idle.wait_live(START_SECONDS)
        triton.process.send_signal(signal.SIGTERM)
        assert ended(triton, 20) == (0, {})


def test_it_answers_on_after_sigterm_while_proxies_and_then_services_forget_it(
    pod: Callable[[], Path], tmp_path: Path
) -> None:
    ids = texts_of(9, 1)[0][None]
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    drain, leave = 4, 6
    waits = (f"--drain-seconds={drain}", f"--leave-seconds={leave}", "--stop-seconds=2")
    answered: dict[tuple[bool, bool], float] = {}  # by ready and serving: when it was first seen
    repository = pod()
    name = next(repository.iterdir()).name
    with running_triton(repository, tmp_path / "run", *waits) as triton:
        until(triton.ready, 60, triton)
        began = time.monotonic()
        triton.process.send_signal(signal.SIGTERM)
        until(lambda: not triton.ready(), drain, triton)
        while True:
            probes = (triton.ready(), triton.serving())
            seen = time.monotonic() - began
            try:
                with triton.client() as client:  # a connection of its own: Triton resets new ones first
                    answer = client.infer(name, inputs, "embedding")
            except (ServerLost, ServerRefused):
                assert time.monotonic() - began >= drain + leave, triton.log
                break
            assert np.linalg.norm(answer) == pytest.approx(1, abs=1e-3)
            answered.setdefault(probes, seen)
            assert seen < 60, "it never ends"
        assert ended(triton, 20) == (0, {})
        assert time.monotonic() - began < drain + leave + 10
    assert list(answered)[:2] == [(False, True), (False, False)]
    assert answered[False, False] >= drain


def test_a_server_that_never_was_ready_has_nothing_to_drain(pod: Callable[[], Path], tmp_path: Path) -> None:
    waits = ("--drain-seconds=60", "--leave-seconds=60", "--stop-seconds=1")
    with running_triton(pod(), tmp_path / "run", *waits) as triton:
        until(lambda: len(everyone(triton)) > 1, 20, triton)
        assert not triton.ready()
        triton.process.send_signal(signal.SIGTERM)
        assert ended(triton, 20) == (0, {})


def test_no_signal_is_lost_to_a_thread_of_a_library(pod: Callable[[], Path], tmp_path: Path) -> None:
    with running_triton(pod(), tmp_path / "run", "--stop-seconds=1") as triton:
        until(triton.ready, 60, triton)
        pid = triton.process.pid
        others = [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir() if int(task.name) != pid]
        assert others, "numpy's threads: the kernel may give them a signal that is meant for the process"
        assert ctypes.CDLL(None).tgkill(pid, others[-1], signal.SIGTERM) == 0
        assert ended(triton, 20) == (0, {})


def test_a_server_that_hangs_is_killed_with_its_helpers(pod: Callable[[], Path], tmp_path: Path) -> None:
    with running_triton(pod(), tmp_path / "run", "--stop-seconds=1") as triton:
        until(triton.ready, 60, triton)
        family = everyone(triton)
        for one in family[1:]:
            one.suspend()  # as Triton hangs after an abort: it answers no signal but SIGKILL
        triton.process.send_signal(signal.SIGTERM)
        code, _ = ended(triton, 20)
        assert code == 0
        assert [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []


def test_a_server_that_dies_ends_the_pod_and_says_so(pod: Callable[[], Path], tmp_path: Path) -> None:
    with running_triton(pod(), tmp_path / "run") as triton:
        until(triton.ready, 60, triton)
        server = next(one for one in everyone(triton) if one.name() == "tritonserver")
        os.kill(server.pid, signal.SIGKILL)
        code, message = ended(triton, 20)
    assert (code, message["reason"]) == (SERVER_DIED, "ServerDied")
    assert "-9" in message["message"]


def test_a_port_that_is_taken_ends_the_pod(pod: Callable[[], Path], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = (f"--grpc-port={port}", "--start-seconds=20")
        with running_triton(pod(), tmp_path / "run", *options) as triton:
            code, message = ended(triton, 60)
    assert code in {REFUSED, SERVER_DIED}
    assert message["reason"] in {"ServerRefused", "ServerDied"}


def test_a_server_speaks_for_its_own_revision_alone(pod: Callable[[], Path], tmp_path: Path) -> None:
    """A name may lead to an address that is another pod's by now."""
    with running_triton(pod(), tmp_path / "run", "--stop-seconds=1") as triton:
        until(triton.ready, 60, triton)
        assert triton.serving()
        assert not triton.ready("bbbbbbbb")
        assert not triton.serving("bbbbbbbb")


def test_a_server_that_never_comes_up_was_not_refused(pod: Callable[[], Path], tmp_path: Path) -> None:
    """That is no verdict on the revision: the next start may do."""
    with running_triton(pod(), tmp_path / "run", "--start-seconds=2") as triton:
        until(lambda: any(one.name() == "tritonserver" for one in everyone(triton)), 20, triton)
        next(one for one in everyone(triton) if one.name() == "tritonserver").suspend()
        code, message = ended(triton, 30)
    assert (code, message["reason"]) == (SERVER_DIED, "ServerDied")
    assert "did not answer" in message["message"]


def test_sigterm_is_heard_from_the_first_moment_on(pod: Callable[[], Path], tmp_path: Path) -> None:
    """Process 1 never gets a signal that it has no handler for, and numpy takes a while to be imported."""
    imported = "import sys, modelyard_runtime.server.__main__; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", imported], timeout=60, check=False).returncode == 0
    with running_triton(pod(), tmp_path / "run", "--drain-seconds=60", "--stop-seconds=1") as triton:
        status = Path(f"/proc/{triton.process.pid}/status")
        until(lambda: _catches(status.read_text(), signal.SIGTERM), 10, triton)
        triton.process.send_signal(signal.SIGTERM)
        assert ended(triton, 20) == (0, {})


def _catches(status: str, number: int) -> bool:
    """Return whether a process has a handler for a signal, by its status in /proc."""
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)
