"""An ``OptimizedModel`` out of a file, read as strictly as the API server would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from modelyard.api.model import OptimizedModelSpec
from modelyard.errors import ModelyardError
from modelyard.naming import API_VERSION, MODEL_KIND


class BadManifest(ModelyardError):
    """The file holds no model that can be built. Says where, and what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A model's name and spec, and the file's ConfigMaps by name."""

    name: str
    spec: OptimizedModelSpec
    config_maps: Mapping[str, Mapping[str, Any]]


def read_manifest(path: Path) -> Manifest:
    """Return the one OptimizedModel of a file; other objects in it are left alone. Raises BadManifest."""
    try:
        documents = [one for one in yaml.safe_load_all(path.read_text()) if isinstance(one, dict)]
    except (OSError, UnicodeDecodeError) as error:
        raise BadManifest(f"{path} can't be read ({error}); name the file of an OptimizedModel") from error
    except yaml.YAMLError as error:
        raise BadManifest(f"{path} is no YAML: {error}; mend it there") from error
    models = [one for one in documents if (one.get("apiVersion"), one.get("kind")) == (API_VERSION, MODEL_KIND)]
    if len(models) != 1:
        found = f"{len(models)} objects of kind {MODEL_KIND} ({API_VERSION})"
        raise BadManifest(f"{path} holds {found}; give a file with one")
    model = models[0]
    try:
        spec = OptimizedModelSpec.model_validate(model.get("spec") or {})
    except ValidationError as error:
        faults = "; ".join(f"spec.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadManifest(f"{path}: {faults}; `kubectl explain optimizedmodel.spec` has every field") from error
    config_maps = {
        _name(one): one for one in documents if (one.get("apiVersion"), one.get("kind")) == ("v1", "ConfigMap")
    }
    return Manifest(name=_name(model) or path.stem, spec=spec, config_maps=config_maps)


def _name(document: Mapping[str, Any]) -> str:
    return str((document.get("metadata") or {}).get("name") or "")
