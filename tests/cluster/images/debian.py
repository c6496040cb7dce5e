"""The base of all: a minimal Debian with Python, from the mirror that this machine itself uses."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.cluster.images.buildah import Buildah

PACKAGES = ("python3", "python3-pip", "python3-venv", "ca-certificates", "catatonit", "libpython3.11")
SUITE = "bookworm"

_FINISH = (
    # As in the official image: `python` exists, and pip may install system-wide.
    "ln -sf python3 /usr/bin/python",
    "rm -f /usr/lib/python3.11/EXTERNALLY-MANAGED",
    "rm -rf /var/cache/apt/archives/*.deb /var/lib/apt/lists/* /usr/share/doc/* /usr/share/man/* /usr/share/locale/*",
)


def mirror() -> str:
    """Return the address from which this machine gets its Debian packages."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    for line in lines:
        uri, release, component = line.split()
        if (release, component) == (SUITE, "main"):
            return uri
    message = f"apt knows no mirror of Debian {SUITE}; fix: run apt-get update on a Debian {SUITE} machine"
    raise RuntimeError(message)


def build(buildah: Buildah, tag: str, work: Path) -> None:
    """Bootstrap into ``work``/rootfs and commit it as the one layer of ``tag``."""
    rootfs = work / "rootfs"
    include = ",".join(PACKAGES)
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={include}", SUITE, str(rootfs), mirror()],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for line in _FINISH:
        subprocess.run(["chroot", str(rootfs), "sh", "-c", line], check=True)
    container = buildah.run("from", "scratch").strip()
    buildah.run("add", "--quiet", container, str(rootfs), "/")
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # ldconfig lives in sbin
    buildah.run("config", "--env", path, "--env", "LANG=C.UTF-8", "--cmd", "python3", container)
    buildah.run("commit", "--quiet", "--timestamp", "0", "--rm", container, tag)
