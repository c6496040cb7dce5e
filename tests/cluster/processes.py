"""Start, find and stop the cluster's processes, and never touch one that is not ours.

Every process is recorded with its pid, its start time and the machine's boot id: a pid that was given to
another program since does not match. What it was started with is recorded too, so that a changed one is
started anew.
"""

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.cluster.console import say, wait_for
from tests.cluster.errors import ClusterError
from tests.cluster.settings import Cluster

# In the environment of everything we start: finds our processes even when every record is lost.
MARKER = "MODELYARD_CLUSTER_PROCESS"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
STOP_SECONDS = 10
LOG_LINES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One started process. started: clock ticks since boot; fingerprint: digest of what it was started with."""

    pid: int
    started: int
    boot: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to start. files: configuration whose change calls for a restart; path: what goes before PATH."""

    name: str
    argv: tuple[str, ...]
    files: tuple[Path, ...] = ()
    path: Path | None = None

    @property
    def fingerprint(self) -> str:
        """Digest of the command line and the configuration."""
        total = hashlib.sha256("\0".join(self.argv).encode())
        for file in self.files:
            total.update(file.read_bytes())
        return total.hexdigest()[:16]


def start_time(pid: int) -> int | None:
    """Return when the process began, in clock ticks since boot; None for one that is gone or a zombie."""
    fields = _stat(pid)
    return None if fields is None or fields[0] == "Z" else int(fields[19])


def running(cluster: Cluster, name: str) -> Record | None:
    """Return the record of `name` if that very process still runs."""
    try:
        record = Record(**json.loads(_record_file(cluster, name).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    same = record.boot == _boot() and start_time(record.pid) == record.started
    return record if same else None


def recorded(cluster: Cluster) -> list[str]:
    """Return the names of all processes that were started, running or not."""
    return sorted(file.stem for file in (cluster.folder / "processes").glob("*.json"))


def ensure(cluster: Cluster, program: Program, *, enter: Sequence[str] = ()) -> bool:
    """Start the program unless it runs as it should. enter: the nsenter command line of the node, or nothing.

    Returns whether it was started.
    """
    record = running(cluster, program.name)
    if record is not None and record.fingerprint == program.fingerprint:
        return False
    if record is not None:
        stop(cluster, program.name)
    _end_strays(cluster, program)
    start(cluster, program, enter=enter)
    say(f"started {program.name}")
    return True


def start(cluster: Cluster, program: Program, *, enter: Sequence[str] = ()) -> Record:
    """Start the program, its output going to the log of its name, and record it."""
    cluster.logs.mkdir(parents=True, exist_ok=True)
    with (cluster.logs / f"{program.name}.log").open("ab") as log:
        child = subprocess.Popen(
            [*enter, *program.argv],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(cluster, program),
            cwd="/",
            start_new_session=True,
        )
    pid = _inner(child, program.name) if enter else child.pid
    child.returncode = 0  # it is to outlive this Python, which would warn of a child that it left running
    started = start_time(pid)
    if started is None:
        raise ClusterError(f"{program.name} ended at once", fix=f"read {cluster.logs / program.name}.log")
    record = Record(pid=pid, started=started, boot=_boot(), fingerprint=program.fingerprint)
    file = _record_file(cluster, program.name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(record)))
    return record


def await_ready(cluster: Cluster, name: str, ready: Callable[[], bool], *, seconds: float) -> None:
    """Return when `ready` holds. Raises ClusterError, with the end of the log, if the process ends before."""
    fix = f"read {cluster.logs}/{name}.log"

    def ready_or_dead() -> bool:
        return ready() or running(cluster, name) is None

    wait_for(name, ready_or_dead, seconds=seconds, fix=fix)
    if running(cluster, name) is None:
        lines = (cluster.logs / f"{name}.log").read_text(errors="replace").splitlines()[-LOG_LINES:]
        raise ClusterError("\n".join([f"{name} ended:", *lines]), fix=fix)


def stop(cluster: Cluster, name: str, *, how: signal.Signals = signal.SIGTERM) -> bool:
    """End the process and wait for it; one that ignores SIGTERM is killed. Returns whether it ran."""
    record = running(cluster, name)
    if record is None:
        return False
    os.kill(record.pid, how)
    try:
        wait_for(f"end of {name}", lambda: running(cluster, name) is None, seconds=STOP_SECONDS, fix="")
    except ClusterError:
        with suppress(ProcessLookupError):
            os.kill(record.pid, signal.SIGKILL)
        wait_for(
            f"end of {name} after SIGKILL",
            lambda: running(cluster, name) is None,
            seconds=STOP_SECONDS,
            fix=f"see what process {record.pid} waits for: cat /proc/{record.pid}/stack",
        )
    return True


def marked(cluster: Cluster, name: str = "") -> list[int]:
    """Return the pids of all processes that carry our marker, found in the process table alone."""
    wanted = f"{MARKER}={cluster.ident}/{name}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            variables = (folder / "environ").read_bytes().split(b"\0")
            if any(word == wanted or (not name and word.startswith(wanted)) for word in variables):
                found.append(int(folder.name))
    return [pid for pid in found if start_time(pid) is not None]


def _environment(cluster: Cluster, program: Program) -> Mapping[str, str]:
    """Return a small, known environment: an inherited KUBECONFIG or proxy never reaches the cluster."""
    path = f"{program.path}:{SYSTEM_PATH}" if program.path else SYSTEM_PATH
    return {"PATH": path, "HOME": "/root", MARKER: f"{cluster.ident}/{program.name}"}


def _end_strays(cluster: Cluster, program: Program) -> None:
    """End what an interrupted `up` started and did not come to record.

    The command line must be the very one: containerd's shims inherit its marker, and pods live on them.
    """
    command = b"".join(word.encode() + b"\0" for word in program.argv)
    strays = []
    for pid in marked(cluster, program.name):
        with suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes() == command:
                os.kill(pid, signal.SIGKILL)
                strays.append(pid)
    # Until then it holds its port.
    gone = f"end of a stray {program.name} after SIGKILL"
    fix = f"see what processes {strays} wait for: cat /proc/PID/stack"
    wait_for(gone, lambda: all(start_time(pid) is None for pid in strays), seconds=STOP_SECONDS, fix=fix)


def _inner(nsenter: subprocess.Popen[bytes], name: str) -> int:
    """Return the pid of the program behind nsenter, which forks to enter the pid namespace and waits."""
    child: list[int] = []

    def appeared() -> bool:
        child.extend(children(nsenter.pid))
        return bool(child) or nsenter.poll() is not None

    wait_for(f"start of {name}", appeared, seconds=STOP_SECONDS, interval=0.01, fix="try again")
    if not child:
        raise ClusterError(f"{name} did not start: nsenter ended", fix="read its log")
    return child[0]


def children(pid: int) -> list[int]:
    """Return the pids of the direct children of a process."""
    pids = (int(folder.name) for folder in Path("/proc").glob("[0-9]*"))
    return [each for each in pids if (fields := _stat(each)) is not None and int(fields[1]) == pid]


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name, in parentheses, may hold anything: what follows the last one is state, ppid, ...
    return text.rpartition(")")[2].split()


def _record_file(cluster: Cluster, name: str) -> Path:
    return cluster.folder / "processes" / f"{name}.json"


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
