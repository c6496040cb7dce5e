"""The user's own texts in the place of built-in ones, dealt out as those are."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from modelyard.contract.dataset import BadDataset, DatasetFile
from modelyard.contract.steps import BuildReason
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.text.selection import PROVING, SELECTING, Texts, hashed
from modelyard_runtime.text.written import EXTREMES


def your_texts(dataset: DatasetFile, folder: Path) -> Texts[str]:
    """Return texts that prove and texts that choose, none of them both; picked and dealt by their hashes, not by order.

    ``folder`` holds the dataset's file. Extremes are the built-in ones. Raises BuildFailed (DatasetInvalid).
    """
    try:
        texts = dataset.texts((folder / dataset.key).read_bytes())
    except FileNotFoundError as error:
        message = f"there is no key {dataset.key} in ConfigMap {dataset.config_map} any more; create it anew"
        raise BuildFailed(BuildReason.DATASET_INVALID, message) from error
    except BadDataset as error:
        raise BuildFailed(BuildReason.DATASET_INVALID, str(error)) from error
    picked = sorted(texts, key=partial(hashed, b"pick"))[: PROVING + SELECTING]
    dealt = sorted(picked, key=partial(hashed, b"deal"))
    proving = len(dealt) - SELECTING
    name = f"yours: {dataset.key} of ConfigMap {dataset.config_map} ({dataset.digest[:15]}, {len(texts)} texts)"
    return Texts(dataset=name, proving=tuple(dealt[:proving]), selecting=tuple(dealt[proving:]), extremes=EXTREMES)
