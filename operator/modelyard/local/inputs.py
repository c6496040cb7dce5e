"""All that a build on this machine reads besides the spec: the model, its adapters, the user's texts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modelyard.api.source import AdapterSource
from modelyard.contract.request import AdapterFiles
from modelyard.local.dataset import LocalDataset, dataset_in
from modelyard.local.manifest import Manifest
from modelyard.local.source import Located, NoSource, located, located_files
from modelyard.pins import AdapterPin, Pins
from modelyard.wording import of_adapter


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedAdapter:
    """An adapter, found."""

    name: str
    scale: float
    source: Located


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What was found, pinned."""

    source: Located
    adapters: tuple[LocatedAdapter, ...] = ()
    dataset: LocalDataset | None = None

    @property
    def pins(self) -> Pins:
        """Return what the build's key is made of."""
        adapters = tuple(AdapterPin(name=a.name, scale=a.scale, source=a.source.pin) for a in self.adapters)
        dataset = self.dataset.pin if self.dataset else None
        return Pins(source=self.source.pin, adapters=adapters or None, dataset=dataset)

    @property
    def adapter_files(self) -> tuple[AdapterFiles, ...]:
        """Return what ``fetch`` reads of adapters."""
        return tuple(AdapterFiles(name=a.name, scale=a.scale, files=a.source.files) for a in self.adapters)


def inputs_of(manifest: Manifest, file: Path, *, plain_http: bool) -> Inputs:
    """Find what a manifest names. ``plain_http``: its registries are asked without TLS. Raises NoSource, NoDataset."""
    source = manifest.spec.source
    adapters = tuple(_adapter(one, plain_http=plain_http) for one in source.merge_adapters)
    return Inputs(source=located(source, plain_http=plain_http), adapters=adapters, dataset=dataset_in(manifest, file))


def _adapter(adapter: AdapterSource, *, plain_http: bool) -> LocatedAdapter:
    try:
        source = located_files(adapter, plain_http=plain_http)
    except NoSource as error:
        raise NoSource(of_adapter(adapter.name, str(error))) from error
    return LocatedAdapter(name=adapter.name, scale=adapter.scale, source=source)
