"""What ``fetch`` reads of an object store's Secret."""

from __future__ import annotations

from typing import Any

from modelyard.api.build import PinnedObjectStore
from modelyard.contract.stores import SECRET_KEYS, scheme_of


def store_credentials(store: PinnedObjectStore) -> list[dict[str, Any]]:
    """Return the variables of ``fetch``. Optional ones: without them the step itself says what the store asks for."""
    secret = store.credentials_secret_ref
    if secret is None:
        return []
    return [
        {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret.name, "key": key, "optional": True}}}
        for variable, key in SECRET_KEYS[scheme_of(store.url)].items()
    ]
