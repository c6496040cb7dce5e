"""What can go wrong with a registry.

::

    RegistryError
    ├── InvalidReference       the text names no artifact
    ├── RegistryUnreachable    no connection, a timeout, 408, 429 or 5xx: trying again may help
    ├── RegistryUnauthorized   401 or 403: credentials are missing or don't suffice
    ├── NotFound               no such repository, tag or digest
    ├── DigestMismatch         the bytes are not what their digest says
    └── UnexpectedAnswer       any other refusal, or a manifest of a kind that can't be read
"""

from __future__ import annotations

from http import HTTPStatus

_OF_A_MOMENT = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


def may_pass(status: int) -> bool:
    """Return whether an HTTP status is of a moment: 408, 429 or 5xx."""
    return status in _OF_A_MOMENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR


class RegistryError(Exception):
    """Base of the tree: a message that says which registry, what and the fix."""


class InvalidReference(RegistryError):
    """The text names no artifact."""


class RegistryUnreachable(RegistryError):
    """No connection, a timeout, 408, 429 or 5xx: trying again may help."""


class RegistryUnauthorized(RegistryError):
    """401 or 403: credentials are missing or don't suffice."""


class NotFound(RegistryError):
    """No such repository, tag or digest."""


class DigestMismatch(RegistryError):
    """The bytes are not what their digest says."""


class UnexpectedAnswer(RegistryError):
    """Any other refusal, or a manifest of a kind that can't be read."""
