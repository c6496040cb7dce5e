"""``host/repository:tag`` and ``host/repository@sha256:...``, with or without ``oci://`` before it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from modelyard.oci.errors import InvalidReference

SCHEME = "oci://"
_PORT = r":[0-9]+"
_DOTTED = rf"(?:[a-zA-Z0-9-]+\.)+[a-zA-Z0-9-]+(?:{_PORT})?"
_IPV6 = rf"\[[0-9a-fA-F:]+\](?:{_PORT})?"
_HOST = rf"(?P<registry>{_DOTTED}|[a-zA-Z0-9-]+{_PORT}|localhost|{_IPV6})"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATTERN = re.compile(
    rf"{_HOST}/(?P<repository>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_DOCKER_HUB = "docker.io"
_DOCKER_HUB_API = "registry-1.docker.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An artifact's place. ``digest`` wins over ``tag`` where both are given."""

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read a reference. The registry must be named: there is no default host. Raises InvalidReference."""
        found = _PATTERN.fullmatch(text.removeprefix(SCHEME))
        if found is None:
            message = f"{text!r} is no reference; write HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:<64 hex digits>"
            message += ", the repository in lower case"
            raise InvalidReference(message)
        return cls(**found.groupdict())

    @property
    def version(self) -> str:
        """Return what a manifest is asked for by: the digest, else the tag, else ``latest``."""
        return self.digest or self.tag or "latest"

    @property
    def api_host(self) -> str:
        """Return the host that speaks the registry's protocol."""
        return _DOCKER_HUB_API if self.registry == _DOCKER_HUB else self.registry

    def at(self, digest: str) -> Reference:
        """Return the same place pinned to a digest, without a tag."""
        return replace(self, tag=None, digest=digest)

    def __str__(self) -> str:
        """Return it as it is written, without a scheme."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"
