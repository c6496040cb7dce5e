"""The user's texts for a build on this machine: out of a ConfigMap that stands in the model's own file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modelyard.contract.dataset import BadDataset
from modelyard.datasets import bytes_of, pinned_dataset
from modelyard.errors import ModelyardError
from modelyard.local.manifest import Manifest
from modelyard.pins import DatasetPin


class NoDataset(ModelyardError):
    """Texts that no proof can be taken on. Says why, and the fix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDataset:
    """Texts as they are pinned, and their file's bytes."""

    pin: DatasetPin
    data: bytes


def dataset_in(manifest: Manifest, file: Path) -> LocalDataset | None:
    """Return the texts that a manifest names, None if it names none. Raises NoDataset."""
    spec = manifest.spec.gates.dataset
    if spec is None:
        return None
    name = spec.config_map_ref.name
    config_map, where = manifest.config_maps.get(name), f"ConfigMap {name} in {file}"
    try:
        pin = pinned_dataset(config_map, spec, where)
        return LocalDataset(pin=pin, data=bytes_of(config_map, spec.config_map_ref, where))
    except BadDataset as error:
        raise NoDataset(str(error)) from error
