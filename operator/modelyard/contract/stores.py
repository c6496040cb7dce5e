"""An object store's credentials on their way: the keys of the user's Secret, and the variables that ``fetch`` reads.

Only keys that say who asks, never which host is asked: what else a Secret holds stays out of the build.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

AWS_ID, AWS_SECRET, AWS_SESSION = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
AWS_REGION = "AWS_DEFAULT_REGION"
GOOGLE_KEY = "GOOGLE_SERVICE_ACCOUNT_KEY"
AZURE_KEY, AZURE_SAS = "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN"
BEARER_TOKEN = "OBJECT_STORE_TOKEN"  # noqa: S105 - the variable's name

SECRET_KEYS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "s3": {name: name for name in (AWS_ID, AWS_SECRET, AWS_SESSION, AWS_REGION)},
        "gs": {GOOGLE_KEY: "key.json"},
        "az": {name: name for name in (AZURE_KEY, AZURE_SAS)},
        "https": {BEARER_TOKEN: "token"},
        "http": {BEARER_TOKEN: "token"},
    }
)
"""By an address's scheme: each variable, and the Secret's key that it holds."""


def scheme_of(url: str) -> str:
    """Return the scheme of a source's address: one of ``SECRET_KEYS``, or ``file`` in a build without a cluster."""
    return url.partition("://")[0]
