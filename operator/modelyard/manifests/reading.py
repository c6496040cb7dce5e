"""What a build reads: the model and each adapter, by a container of its own that has its own source's secret alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelyard.api.build import ModelBuildSpec, PinnedFiles
from modelyard.contract.steps import Step, adapter_container
from modelyard.manifests.object_store import store_credentials
from modelyard.manifests.volumes import claim_volume, docker_config_volume, mount

SOURCE = "/source"
PULL_CONFIG = "/var/run/modelyard/pull"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One source, and the container that reads it. ``adapter``: its name, empty for the model itself."""

    source: PinnedFiles
    adapter: str = ""

    @property
    def container(self) -> str:
        """Return the container's name."""
        return adapter_container(self.adapter) if self.adapter else Step.FETCH.value

    @property
    def arguments(self) -> list[str]:
        """Return what the step is told."""
        return [Step.FETCH.value, f"--adapter={self.adapter}"] if self.adapter else [Step.FETCH.value]

    def env(self) -> list[dict[str, Any]]:
        """Return how the source is asked, with its secret where it has one."""
        source = self.source
        env: list[dict[str, Any]] = []
        if source.hugging_face:
            env.append({"name": "HF_ENDPOINT", "value": source.hugging_face.endpoint})
            if token := source.hugging_face.token_secret_ref:
                # Optional: without it the step itself says that the repository asks for a token.
                reference = {"name": token.name, "key": token.key, "optional": True}
                env.append({"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": reference}})
        if source.object_store:
            env += store_credentials(source.object_store)
        if self._pull_secret:
            env.append({"name": "DOCKER_CONFIG", "value": PULL_CONFIG})
        return env

    def mounts(self) -> list[dict[str, Any]]:
        """Return what the container sees of ``volumes``."""
        mounts = []
        if self._pull_secret:
            mounts.append(mount(self._volume("pull"), PULL_CONFIG, read_only=True))
        if self.source.pvc:
            mounts.append(mount(self._volume("source"), SOURCE, read_only=True))
        return mounts

    def volumes(self) -> list[dict[str, Any]]:
        """Return the volumes of the pod that only this container has."""
        volumes = []
        if self._pull_secret:
            volumes.append(docker_config_volume(self._volume("pull"), self._pull_secret))
        if self.source.pvc:
            volumes.append(claim_volume(self._volume("source"), self.source.pvc.claim_name))
        return volumes

    @property
    def _pull_secret(self) -> str | None:
        oci = self.source.oci
        return oci.pull_secret_ref.name if oci and oci.pull_secret_ref else None

    def _volume(self, kind: str) -> str:
        return f"{kind}-{self.adapter}" if self.adapter else kind


def readings(spec: ModelBuildSpec) -> list[Reading]:
    """Return what is read, the model first."""
    return [Reading(source=spec.source), *(Reading(source=one, adapter=one.name) for one in spec.adapters)]
