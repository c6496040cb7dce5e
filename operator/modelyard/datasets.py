"""A user's texts in a ConfigMap, wherever that was read: in a cluster, or in a file beside the model."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from modelyard.api.proof import ConfigMapKeyRef, DatasetSpec
from modelyard.contract.dataset import BadDataset, digest_of, texts_in
from modelyard.pins import DatasetPin
from modelyard.wording import listed


def pinned_dataset(config_map: Mapping[str, Any] | None, spec: DatasetSpec, where: str) -> DatasetPin:
    """Return what the texts are at this moment. ``where`` the ConfigMap was looked for, in words.

    They are read to their end: raises BadDataset for what no proof can be taken on.
    """
    ref = spec.config_map_ref
    data = bytes_of(config_map, ref, where)
    try:
        texts_in(data, ref.key, spec.column)
    except BadDataset as error:
        raise BadDataset(f"{where}: {error}") from error
    return DatasetPin(config_map=ref.name, key=ref.key, column=spec.column, digest=digest_of(data))


def bytes_of(config_map: Mapping[str, Any] | None, ref: ConfigMapKeyRef, where: str) -> bytes:
    """Return what a key of a ConfigMap holds. Raises BadDataset if there is no such thing."""
    if config_map is None:
        raise BadDataset(f"there is no {where}; create it with the key {ref.key}")
    texts, binary = config_map.get("data") or {}, config_map.get("binaryData") or {}
    if ref.key in texts:
        return str(texts[ref.key]).encode()
    if ref.key in binary:
        return base64.b64decode(binary[ref.key])
    had = listed(sorted({*texts, *binary}) or ["none"])
    raise BadDataset(f"{where} has no key {ref.key} (it has {had}); add it, or name another key")
