"""Our processes are found and ended; another's never, whatever a record says."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster import processes
from tests.cluster.errors import ClusterError
from tests.cluster.processes import Program
from tests.cluster.settings import Cluster

SLEEP = Program(name="sleeper", argv=("/bin/sleep", "600"))
OTHER = Program(name="sleeper", argv=("/bin/sleep", "601"))
STUBBORN = Program(name="sleeper", argv=("/bin/sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"))


@pytest.fixture(autouse=True)
def _nothing_is_left(cluster: Cluster) -> Iterator[None]:
    yield
    for pid in processes.marked(cluster):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def sleeping() -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody else's; it ends with the block."""
    with subprocess.Popen(["/bin/sleep", "600"]) as process:
        try:
            yield process
        finally:
            process.kill()


def test_what_runs_as_it_should_is_left_alone(cluster: Cluster) -> None:
    assert processes.ensure(cluster, SLEEP)
    first = processes.running(cluster, "sleeper")
    assert not processes.ensure(cluster, SLEEP)
    assert processes.running(cluster, "sleeper") == first


def test_a_changed_command_line_starts_it_anew(cluster: Cluster) -> None:
    processes.ensure(cluster, SLEEP)
    first = processes.running(cluster, "sleeper")
    assert first is not None
    assert processes.ensure(cluster, OTHER)
    assert processes.start_time(first.pid) is None
    assert len(processes.marked(cluster)) == 1


def test_a_changed_configuration_starts_it_anew(cluster: Cluster, tmp_path: Path) -> None:
    config = tmp_path / "config"
    program = Program(name="sleeper", argv=SLEEP.argv, files=(config,))
    config.write_text("one")
    processes.ensure(cluster, program)
    config.write_text("two")
    assert processes.ensure(cluster, program)


def test_a_killed_process_is_started_again(cluster: Cluster) -> None:
    processes.ensure(cluster, SLEEP)
    assert processes.stop(cluster, "sleeper", how=signal.SIGKILL)
    assert processes.running(cluster, "sleeper") is None
    assert processes.ensure(cluster, SLEEP)


def test_a_process_that_ignores_sigterm_is_killed(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 1)
    processes.ensure(cluster, STUBBORN)
    log = cluster.logs / "sleeper.log"
    processes.await_ready(cluster, "sleeper", lambda: "deaf" in log.read_text(), seconds=5)
    assert processes.stop(cluster, "sleeper")
    assert processes.running(cluster, "sleeper") is None


def test_a_pid_that_belongs_to_another_by_now_is_not_ours(cluster: Cluster) -> None:
    processes.ensure(cluster, SLEEP)
    processes.stop(cluster, "sleeper")
    record = cluster.folder / "processes" / "sleeper.json"
    with sleeping() as foreign:
        began = processes.start_time(foreign.pid)
        assert began is not None
        was = {"pid": foreign.pid, "started": began - 100}  # ours, that had this pid a second before
        record.write_text(json.dumps({**json.loads(record.read_text()), **was}))
        assert processes.running(cluster, "sleeper") is None
        assert not processes.stop(cluster, "sleeper")
        processes.ensure(cluster, SLEEP)
        assert foreign.poll() is None


def test_a_process_whose_record_is_lost_is_replaced(cluster: Cluster) -> None:
    stray = processes.start(cluster, SLEEP)
    (cluster.folder / "processes" / "sleeper.json").unlink()
    processes.ensure(cluster, SLEEP)
    assert processes.start_time(stray.pid) is None
    assert len(processes.marked(cluster)) == 1


def test_a_process_that_ends_early_shows_the_end_of_its_log(cluster: Cluster) -> None:
    processes.ensure(cluster, Program(name="broken", argv=("/bin/sh", "-c", "sleep 0.1; echo no such flag; exit 3")))
    with pytest.raises(ClusterError, match="broken ended:\nno such flag"):
        processes.await_ready(cluster, "broken", lambda: False, seconds=5)


def test_an_inherited_kubeconfig_never_reaches_our_processes(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/somebody/elses")
    record = processes.start(cluster, SLEEP)
    assert b"KUBECONFIG" not in Path(f"/proc/{record.pid}/environ").read_bytes()
