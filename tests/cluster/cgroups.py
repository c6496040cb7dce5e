"""The cgroups under which the node's pods live, in version 1 (one tree a controller) and version 2 alike."""

from pathlib import Path

from tests.cluster.console import wait_for
from tests.cluster.settings import Cluster

MOUNT = Path("/sys/fs/cgroup")


def version_2() -> bool:
    """Tell whether this machine has the unified hierarchy alone."""
    return (MOUNT / "cgroup.controllers").exists()


def ensure(cluster: Cluster) -> None:
    """Make the pods' parent cgroup in every hierarchy."""
    for tree in _hierarchies():
        group = tree / cluster.cgroup
        group.mkdir(exist_ok=True)
        # A new cpuset is empty and refuses processes until it is told its processors and memory.
        for file in ("cpuset.cpus", "cpuset.mems"):
            if (group / file).exists() and not version_2() and not (group / file).read_text().strip():
                (group / file).write_text((tree / file).read_text())


def remove(cluster: Cluster) -> None:
    """Remove them with all that is below. Call it when the processes are gone."""

    def gone() -> bool:
        left = [tree for tree in _hierarchies() if not _removed(tree / cluster.cgroup)]
        return not left

    wait_for("end of the cgroups", gone, seconds=20, fix=f"find {MOUNT} -path '*{cluster.cgroup}*' -name cgroup.procs")


def _removed(group: Path) -> bool:
    if not group.exists():
        return True
    folders = [group, *(path for path in group.rglob("*") if path.is_dir())]
    for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:  # still holds a process that the kernel has yet to bury
            return False
    return True


def _hierarchies() -> list[Path]:
    if version_2():
        return [MOUNT]
    return [tree for tree in MOUNT.iterdir() if tree.is_dir() and not tree.is_symlink() and tree.is_mount()]
