"""Credentials as Docker's clients keep them: ``$DOCKER_CONFIG/config.json``."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from modelyard.oci.errors import RegistryUnauthorized

_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user and a password. The password is kept out of every text."""

    username: str
    password: str = field(repr=False)


def credentials_for(registry: str, folder: Path | None = None) -> Credentials | None:
    """Return what the configuration holds for ``registry``, or None. folder: by default ``$DOCKER_CONFIG``.

    Raises RegistryUnauthorized for a configuration that can't be read. Credential helpers are not run.
    """
    named = folder or (Path(os.environ["DOCKER_CONFIG"]) if "DOCKER_CONFIG" in os.environ else None)
    path = (named or Path("~/.docker").expanduser()) / "config.json"
    if not path.is_file():
        return None
    return credentials_in(path.read_text(), registry)


def credentials_in(configuration: str, registry: str) -> Credentials | None:
    """Return what the text of a ``config.json`` holds for ``registry``, or None. Raises RegistryUnauthorized."""
    try:
        entry = _entry(json.loads(configuration).get("auths", {}), registry)
        return None if entry is None else _read(entry)
    except (ValueError, AttributeError, KeyError) as error:
        raise RegistryUnauthorized(
            f"this is no Docker configuration ({error}); make the secret with `kubectl create secret docker-registry`"
        ) from error


def _entry(entries: dict[str, dict[str, str]], registry: str) -> dict[str, str] | None:
    keys = _HUB_KEYS if registry == "docker.io" else (registry, f"https://{registry}", f"http://{registry}")
    return next((entries[key] for key in keys if key in entries), None)


def _read(entry: dict[str, str]) -> Credentials | None:
    if "username" in entry:
        return Credentials(username=entry["username"], password=entry["password"])
    if not entry.get("auth"):
        return None
    username, _, password = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
    return Credentials(username=username, password=password)
