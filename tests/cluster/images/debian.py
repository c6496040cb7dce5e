"""The base of all: a minimal Debian with Python, from the mirror that this machine itself uses."""

from pathlib import Path

from tests.cluster.commands import run
from tests.cluster.errors import ClusterError
from tests.cluster.images.buildah import Buildah

PACKAGES = ("python3", "python3-pip", "python3-venv", "ca-certificates", "catatonit", "libpython3.11")
SUITE = "bookworm"

_FINISH = (
    # As in the official image: `python` exists, and pip may install system-wide.
    "ln -sf python3 /usr/bin/python",
    "rm -f /usr/lib/python3.11/EXTERNALLY-MANAGED",
    # Bytecode is found stale by a source's time, and the commit below gives every file another: each start of each
    # container would compile the standard library anew.
    "python3 -m compileall -q -f --invalidation-mode unchecked-hash /usr/lib/python3.11 /usr/lib/python3",
    "rm -rf /var/cache/apt/archives/*.deb /var/lib/apt/lists/* /usr/share/doc/* /usr/share/man/* /usr/share/locale/*",
)


BOOTSTRAP_SECONDS = 1800
# ldconfig lives in sbin.
ENVIRONMENT = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8")


def inputs() -> str:
    """Return what the image is made of, as far as we choose it; Debian's updates come with a fresh cache."""
    return "\n".join((SUITE, *PACKAGES, *_FINISH, *ENVIRONMENT))


def mirror() -> str:
    """Return the address from which this machine gets its Debian packages."""
    for line in run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"]).splitlines():
        uri, release, component = line.split()
        if (release, component) == (SUITE, "main"):
            return uri
    raise ClusterError(
        f"apt knows no mirror of Debian {SUITE}", fix=f"use a Debian {SUITE} machine, and apt-get update"
    )


def build(buildah: Buildah, tag: str, work: Path) -> None:
    """Bootstrap into `work`/rootfs and commit it as the one layer of `tag`."""
    rootfs = work / "rootfs"
    include = f"--include={','.join(PACKAGES)}"
    run(
        ["debootstrap", "--variant=minbase", include, SUITE, rootfs, mirror()],
        seconds=BOOTSTRAP_SECONDS,
        fix="see that apt-get update works here",
    )
    for line in _FINISH:
        run(["chroot", rootfs, "sh", "-c", line])
    container = buildah.run("from", "scratch").strip()
    buildah.run("add", "--quiet", container, str(rootfs), "/")
    variables = [word for each in ENVIRONMENT for word in ("--env", each)]
    buildah.run("config", *variables, "--cmd", "python3", container)
    buildah.run("commit", "--quiet", "--timestamp", "0", "--rm", container, tag)
