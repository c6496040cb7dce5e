"""The user's texts in the place of built-in ones: enough that prove, and none of those chooses as well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelyard.contract.choices import Task
from modelyard.contract.dataset import FEWEST, DatasetFile, digest_of
from modelyard.contract.request import VolumeFiles
from modelyard.contract.steps import BuildReason
from modelyard_runtime.convert import check_request
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.machine import this_machine
from modelyard_runtime.models.description import describe
from modelyard_runtime.text.yours import your_texts
from tests.runtime.steps import build_request


def dataset(folder: Path, count: int) -> DatasetFile:
    """Write a dataset of so many texts, and return it as it is pinned."""
    data = "\n".join(f"text number {number} of a user's own" for number in range(count)).encode()
    (folder / "texts.txt").write_bytes(data)
    return DatasetFile(config_map="texts", key="texts.txt", column="text", digest=digest_of(data))


@pytest.mark.parametrize(("count", "proving"), [(FEWEST, 300), (470, 310), (480, 320), (5000, 320)])
def test_as_many_prove_as_a_bound_needs_and_none_of_them_chooses(tmp_path: Path, count: int, proving: int) -> None:
    texts = your_texts(dataset(tmp_path, count), tmp_path)
    assert (len(texts.proving), len(texts.selecting)) == (proving, 160)
    assert len({*texts.proving, *texts.selecting}) == proving + 160
    assert all("of a user's own" in text for text in (*texts.proving, *texts.selecting))


def test_the_order_of_the_file_decides_nothing(tmp_path: Path) -> None:
    one = dataset(tmp_path, 1000)
    texts = your_texts(one, tmp_path)
    turned = b"\n".join(reversed((tmp_path / "texts.txt").read_bytes().split(b"\n")))
    (tmp_path / "texts.txt").write_bytes(turned)
    again = your_texts(one.model_copy(update={"digest": digest_of(turned)}), tmp_path)
    assert (again.proving, again.selecting) == (texts.proving, texts.selecting)


def test_a_report_says_whose_texts_they_are(tmp_path: Path) -> None:
    one = dataset(tmp_path, 1000)
    told = your_texts(one, tmp_path).dataset
    assert told == f"yours: texts.txt of ConfigMap texts ({one.digest[:15]}, 1000 texts)"


def test_single_texts_prove_no_reranker(tmp_path: Path) -> None:
    config = {"model_type": "bert", "architectures": ["BertForSequenceClassification"], "id2label": {"0": "LABEL_0"}}
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "max_position_embeddings": 512, "vocab_size": 100}
    (tmp_path / "config.json").write_text(json.dumps(config | sizes | {"pad_token_id": 0}))
    request = build_request(VolumeFiles()).model_copy(update={"dataset": dataset(tmp_path, FEWEST)})
    with pytest.raises(BuildFailed, match="a dataset has single texts") as refused:
        check_request(request, describe(tmp_path, Task.AUTO), this_machine())
    assert refused.value.reason is BuildReason.GATE_NOT_APPLICABLE


def test_what_changed_or_went_since_it_was_pinned_is_refused(tmp_path: Path) -> None:
    one = dataset(tmp_path, 1000)
    (tmp_path / "texts.txt").write_text("others")
    with pytest.raises(BuildFailed, match="the command refresh takes it as it is now") as refused:
        your_texts(one, tmp_path)
    assert refused.value.reason is BuildReason.DATASET_INVALID
    (tmp_path / "texts.txt").unlink()
    with pytest.raises(BuildFailed, match=r"no key texts\.txt in ConfigMap texts any more; create it anew"):
        your_texts(one, tmp_path)
