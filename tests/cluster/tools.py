"""Build the Go programs of the cluster once, keep them by what they were made of, and check them on use.

A tool's folder in the cache is named by a digest of its module (go.mod, go.sum, *.go), the Go version and the
flags that change the program. Beside every binary lies its sha256: one that differs is built again, and that is said.
"""

import hashlib
import os
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.cluster.commands import run
from tests.cluster.console import say, step
from tests.cluster.errors import ClusterError
from tests.cluster.locks import locked
from tests.cluster.settings import SOURCES, Cluster

BUILD_SECONDS = 1800
BUILD_FLAGS = ("-trimpath", "-mod=readonly", "-buildvcs=false")
QUICK_FLAGS = ("-gcflags=all=-dwarf=false -c=1",)
"""They change no program: debug information is stripped anyway, and packages side by side keep the cores busy."""
QUICK_GC = "400"
"""The compiler collects its garbage less often. With the flags, a quarter less time (measured on Go's own library)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One Go module of tools. stamp: -X name=value for the linker.

    parent: the Go path above the commands; without one, the module itself is the command, or `main` names it.
    """

    folder: str
    names: tuple[str, ...]
    parent: str | None = None
    main: str = "."
    stamp: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def module(self) -> Path:
        """The folder with go.mod and go.sum."""
        return SOURCES / "tools" / self.folder

    def package(self, name: str) -> str:
        """Return the Go package of a binary."""
        return f"{self.parent}/{name}" if self.parent else self.main

    @property
    def flags(self) -> tuple[str, ...]:
        """Arguments of `go build`, the version stamps among them."""
        linked = " ".join(["-s", "-w", *(f"-X {word}" for word in self.stamp)])
        tags = ("-tags", ",".join(self.tags)) if self.tags else ()
        return (*BUILD_FLAGS, *tags, "-ldflags", linked)


def _kubernetes() -> Group:
    version = _required("kubernetes", "k8s.io/kubernetes")
    major, minor, _ = version.removeprefix("v").split(".")
    where = "k8s.io/component-base/version"
    return Group(
        folder="kubernetes",
        # The API server first: the others share most of what it compiles.
        names=("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"),
        parent="k8s.io/kubernetes/cmd",
        # Without the stamp clients see v0.0.0 and take it for an ancient server.
        stamp=(
            f"{where}.gitVersion={version}",
            f"{where}.gitMajor={major}",
            f"{where}.gitMinor={minor}",
            f"{where}.gitTreeState=clean",
        ),
    )


def _containerd() -> Group:
    package = "github.com/containerd/containerd/v2"
    version = _required("containerd", package)
    return Group(
        folder="containerd",
        names=("containerd", "containerd-shim-runc-v2", "ctr"),
        parent=f"{package}/cmd",
        stamp=(f"{package}/version.Version={version}",),
        tags=("no_btrfs", "no_devmapper", "no_zfs"),
    )


def _helm() -> Group:
    path = "helm.sh/helm/v3"
    minor = _required("helm", "k8s.io/client-go").split(".")[1]
    # Without the stamps `helm template` believes in Kubernetes 1.20 and refuses charts that want a later one.
    kubernetes = [
        f"{path}/pkg/{package}.k8sVersion{part}={value}"
        for package in ("lint/rules", "chartutil")
        for part, value in (("Major", "1"), ("Minor", minor))
    ]
    return Group(
        folder="helm",
        names=("helm",),
        parent=f"{path}/cmd",
        stamp=(f"{path}/internal/version.version={_required('helm', path)}", *kubernetes),
    )


@cache
def groups() -> tuple[Group, ...]:
    """Every group of tools, in the order in which building them is quickest."""
    return (
        _kubernetes(),
        Group(folder="etcd", names=("etcd",), main="go.etcd.io/etcd/server/v3"),
        _containerd(),
        Group(folder="coredns", names=("coredns",)),
        Group(folder="provisioner", names=("provisioner",)),
        _helm(),
    )


@cache
def stores() -> tuple[Group, ...]:
    """The S3 server that tests read from. No part of the cluster: it is built when a test first asks for it."""
    return (Group(folder="versitygw", names=("versitygw",), main="github.com/versity/versitygw/cmd/versitygw"),)


def go_wanted() -> tuple[str, Path]:
    """Return the Go that all modules can be built with, such as 1.26.8, and the module that asks for it."""
    asked = {group.module: _go_line(group.module) for group in (*groups(), *stores())}
    module = max(asked, key=lambda each: tuple(int(number) for number in asked[each].split(".")))
    return asked[module], module


def _go_line(module: Path) -> str:
    lines = (module / "go.mod").read_text().splitlines()
    return next(line.removeprefix("go ") for line in lines if line.startswith("go "))


def _required(folder: str, module: str) -> str:
    for line in (SOURCES / "tools" / folder / "go.mod").read_text().splitlines():
        words = line.removeprefix("require").split()
        if words[:1] == [module]:
            return words[1]
    raise ClusterError(f"tools/{folder}/go.mod does not require {module}", fix="restore go.mod from git")


def binary(cluster: Cluster, name: str) -> Path:
    """Return the program `name`, built if need be and checked against its recorded digest."""
    every = (*groups(), *stores())
    group = next((group for group in every if name in group.names), None)
    if group is None:
        known = ", ".join(sorted(tool for each in every for tool in each.names))
        raise ClusterError(f"no tool is named {name}", fix=f"ask for one of {known}")
    folder = cluster.cache / "tools" / f"{group.folder}-{_digest(group)}"
    with locked(folder.with_suffix(".lock")):
        if not intact(folder / name):
            _build(group, name, folder)
    return folder / name


def link(cluster: Cluster) -> Path:
    """Build what is missing, and return a folder in which every program is found by its name."""
    folder = cluster.folder / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    programs = {name: binary(cluster, name) for group in groups() for name in group.names}
    for name, program in programs.items():
        beside = folder / f".{name}.{os.getpid()}"
        beside.symlink_to(program)
        beside.replace(folder / name)
    return folder


@cache
def _digest(group: Group) -> str:
    sources = sorted([*group.module.glob("go.*"), *group.module.glob("*.go")])
    total = hashlib.sha256()
    for part in (_go_version(), *group.flags, *(f"{file.name}\n{file.read_text()}" for file in sources)):
        total.update(f"{len(part)}\n{part}".encode())
    return total.hexdigest()[:16]


@cache
def _go_version() -> str:
    """Return what `go` calls itself, such as go1.26.8. Raises ClusterError when there is none."""
    if shutil.which("go") is None:
        raise ClusterError("Go is not installed", fix=f"install Go {go_wanted()[0]} or later and put it on PATH")
    return run(["go", "env", "GOVERSION"], cwd=SOURCES / "tools" / "kubernetes").strip()


@cache
def intact(program: Path) -> bool:
    """Tell whether the program is there and is what was built; looked at once a run."""
    recorded = program.with_name(f"{program.name}.sha256")
    if not program.exists() or not recorded.exists():
        return False
    if _sha256(program) == recorded.read_text().strip():
        return True
    say(f"{program.name}: the cached binary is corrupt (its sha256 is not the recorded one); building it again")
    return False


def _build(group: Group, name: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f".{name}.{os.getpid()}"
    argv: list[str | Path] = ["go", "build", *group.flags, *QUICK_FLAGS, "-o", made, group.package(name)]
    with step(f"building {name}"):
        run(
            argv,
            env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOGC": QUICK_GC},
            cwd=group.module,
            seconds=BUILD_SECONDS,
            fix="check the disk, and that the Go module proxy is reachable (go env GOPROXY)",
        )
    (folder / f"{name}.sha256").write_text(_sha256(made) + "\n")
    made.replace(folder / name)
    intact.cache_clear()


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
