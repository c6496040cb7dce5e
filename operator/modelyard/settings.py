"""What the operator is told when it starts: one JSON file that the chart writes, and the pod's own name.

``MODELYARD_SETTINGS`` names the file. A field that this version doesn't know is refused, so that a typing error in
the chart's values is seen at once and not as a default that stayed.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from modelyard.errors import ModelyardError

SETTINGS_VARIABLE = "MODELYARD_SETTINGS"
SETTINGS_FILE = "/etc/modelyard/settings.json"


class BadSettings(ModelyardError):
    """The settings can't be read; says where and what to write."""


class _Section(BaseModel):
    """Base: frozen, camelCase in the file, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class Images(_Section):
    """The images that a generation is pinned to when it is resolved."""

    operator: str
    runtime: str
    triton: str
    envoy: str


class Registry(_Section):
    """Where artifacts go. ``push`` and ``pull`` are ``host[:port][/prefix]`` as pods reach them.

    ``pushConfigFile`` is a mounted ``config.json`` (the Docker client's format); None: the registry asks for none.
    ``pullSecret`` names a dockerconfigjson Secret that is in every model's namespace.
    ``plainHttp`` speaks HTTP to both, for a registry within the cluster.
    """

    push: str
    pull: str
    plain_http: bool = False
    push_config_file: Path | None = None
    pull_secret: str | None = None


class Sources(_Section):
    """Where a model may come from: hosts, and buckets as their addresses begin (``s3://BUCKET``).

    ``plainHttpHosts`` are asked without TLS. ``s3Endpoint``: where buckets of S3 are; empty: at Amazon.
    """

    allowed_hosts: tuple[str, ...] = ("huggingface.co",)
    plain_http_hosts: tuple[str, ...] = ()
    hugging_face_endpoint: str = "https://huggingface.co"
    s3_endpoint: str = ""


class Lease(_Section):
    """Leader election. A lease that isn't renewed for ``durationSeconds`` is taken over."""

    name: str = "modelyard-operator"
    duration_seconds: int = Field(default=7, ge=3)
    renew_seconds: float = Field(default=2.0, gt=0)
    retry_seconds: float = Field(default=1.0, gt=0)


class Settings(_Section):
    """All of it. ``namespaces`` empty: every namespace is watched.

    ``drainSeconds``: how long a serving pod answers on after SIGTERM. ``allowInsecureServer``: whether a Triton with
    known remote exploits may serve. ``clusterDomain`` ends the full names of Services, by which a proxy finds its
    servers.
    """

    images: Images
    registry: Registry
    sources: Sources = Sources()
    lease: Lease = Lease()
    namespaces: tuple[str, ...] = ()
    build_resources: dict[str, dict[str, str]] = Field(default_factory=dict)
    serving_resources: dict[str, dict[str, str]] = Field(default_factory=dict)
    drain_seconds: int = Field(default=15, ge=0)
    allow_insecure_server: bool = False
    cluster_domain: str = "cluster.local"
    probe_port: int = 8080
    log_level: str = "INFO"


def settings_from_file(path: Path) -> Settings:
    """Return the settings in ``path``. Raises BadSettings, which names the field at fault."""
    try:
        return Settings.model_validate_json(path.read_bytes())
    except OSError as error:
        fix = f"set {SETTINGS_VARIABLE} to the settings file (the chart mounts one at {SETTINGS_FILE})"
        message = f"the settings can't be read: {error}; {fix}"
        raise BadSettings(message) from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        message = f"the settings in {path} don't hold: {faults}; correct the chart's values and upgrade the release"
        raise BadSettings(message) from error


def settings_path() -> Path:
    """Return the file that the environment names, or the one the chart mounts."""
    return Path(os.environ.get(SETTINGS_VARIABLE, SETTINGS_FILE))


def pod_identity() -> tuple[str, str]:
    """Return this pod's (namespace, name), from the downward API's variables, as the chart sets them."""
    try:
        return os.environ["POD_NAMESPACE"], os.environ["POD_NAME"]
    except KeyError as missing:
        message = f"the environment variable {missing} is not set; set POD_NAMESPACE and POD_NAME by the downward API"
        raise BadSettings(message) from missing
