"""Calls of buildah: storage in the cache, no daemon, the machine's certificates and wheels lent to each build."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.commands import run
from tests.cluster.files import write

CERTIFICATES = Path("/etc/ssl/certs")
BUILD_SECONDS = 1800
# A build that is killed takes its processes and mounts with it.
CONTAINED = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Buildah:
    """Builds below `cache`; `wheels` are folders where pip looks before its index."""

    cache: Path
    wheels: tuple[Path, ...] = ()

    def run(self, *arguments: str) -> str:
        """Run one command and return what it printed. Raises ClusterError with the end of its output."""
        storage = ("--root", str(self.cache / "containers"), "--runroot", str(self.cache / "containers-run"))
        # Its lock would otherwise lie in /etc/cni, whether or not there is a network to make.
        config = write(self.cache / "containers.conf", f'[network]\nnetwork_config_dir = "{self.cache}/networks"\n')
        return run(
            [*CONTAINED, "buildah", *storage, "--storage-driver", "overlay", *arguments],
            env={**os.environ, "CONTAINERS_CONF": str(config)},
            seconds=BUILD_SECONDS,
        )

    def tidy(self) -> None:
        """Remove the working containers of builds that were killed. Call it while nothing is built."""
        self.run("rm", "--all")

    def identity(self, tag: str) -> str | None:
        """Return the image's id, the digest of its configuration, or None if the storage doesn't have it."""
        return next(iter(self.run("images", "--quiet", "--no-trunc", "--filter", f"reference={tag}").split()), None)

    def build(self, *, dockerfile: Path, context: Path, tag: str, arguments: Mapping[str, str]) -> None:
        """Build `dockerfile`. Layers whose inputs did not change come from the storage."""
        options = [item for key, value in arguments.items() for item in ("--build-arg", f"{key}={value}")]
        self.run(
            *("bud", "--quiet", "--isolation", "chroot", "--network", "host", "--layers"),
            *self._lent(),
            *options,
            *("--file", str(dockerfile), "--tag", tag, str(context)),
        )

    def push(self, tag: str, destination: str) -> None:
        """Push to a registry of plain HTTP: on one machine, compressing costs more than it saves."""
        options = ("--quiet", "--tls-verify=false", "--disable-compression")
        self.run("push", *options, tag, f"docker://{destination}")

    def _lent(self) -> tuple[str, ...]:
        """Return the mounts of a build: none of them stays in the image, as an environment variable would."""
        pip_cache, config = self.cache / "pip", self.cache / "pip.conf"
        pip_cache.mkdir(parents=True, exist_ok=True)
        find_links = "\n  ".join(f"/wheels/{index}" for index, _ in enumerate(self.wheels))
        lines = ["[global]", "disable-pip-version-check = true", "root-user-action = ignore"]
        lines += [f"cert = {CERTIFICATES}/ca-certificates.crt"] if CERTIFICATES.is_dir() else []
        lines += [f"index-url = {index}"] if (index := _pip_index()) else []
        lines += [f"extra-index-url = {extra}"] if (extra := os.environ.get("PIP_EXTRA_INDEX_URL")) else []
        lines += [f"find-links = {find_links}"] if find_links else []
        config.write_text("\n".join(lines) + "\n")
        mounts = [
            f"{CERTIFICATES}:{CERTIFICATES}:ro",
            f"{pip_cache}:/root/.cache/pip",
            f"{config}:/etc/pip.conf:ro",
        ]
        mounts += [f"{folder}:/wheels/{index}:ro" for index, folder in enumerate(self.wheels)]
        return tuple(item for mount in mounts for item in ("--volume", mount))


def _pip_index() -> str | None:
    """Return the package index that this machine's pip was told to use, if it was told one."""
    if index := os.environ.get("PIP_INDEX_URL"):
        return index
    pip = shutil.which("pip3") or shutil.which("pip")
    if pip is None:
        return None
    settings = dict(line.split("=", 1) for line in run([pip, "config", "list"]).splitlines() if "=" in line)
    return settings.get("global.index-url", "").strip("'") or None
