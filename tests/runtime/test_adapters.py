"""LoRA adapters merged into the original: as PEFT itself runs them, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from modelyard.contract.choices import Task
from modelyard.contract.request import AdapterFiles, ObjectStoreFiles
from modelyard.contract.steps import BuildReason, ExitCode
from modelyard_runtime.backend.rows import Answers
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.memory import parameters_of, parameters_to_load
from modelyard_runtime.models.adapters import CONFIG, WEIGHTS, read_adapter
from modelyard_runtime.models.description import describe
from modelyard_runtime.models.reference import load_reference
from tests.models.adapters import save_adapter
from tests.models.encoder import tiny_encoder
from tests.runtime.steps import Steps, build_request

IDS = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 12]])
MASK = torch.ones_like(IDS)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder."""
    return tiny_encoder(tmp_path_factory.mktemp("base") / "model", seed=5)


def merged(base: Path, *folders: Path, scale: float = 1.0) -> Answers:
    """Return what the original answers with adapters merged, float32 [2, size]."""
    adapters = [read_adapter(folder, folder.name, scale) for folder in folders]
    reference = load_reference(base, describe(base, Task.AUTO, adapters), adapters)
    return reference.answer({"input_ids": IDS.numpy(), "attention_mask": MASK.numpy()})


def unmerged(adapted: PeftModel) -> Answers:
    """Return the same by PEFT, which computes an adapter beside the weights."""
    with torch.inference_mode():
        answer = adapted(input_ids=IDS, attention_mask=MASK)
    if hasattr(answer, "logits"):
        return np.asarray(answer.logits)
    return np.asarray(torch.nn.functional.normalize(answer.last_hidden_state.mean(dim=1), dim=1))


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"r": 8, "lora_alpha": 32, "use_rslora": True},
        {"use_dora": True},
        {"target_modules": "all-linear"},
        {"rank_pattern": {"value": 2}, "alpha_pattern": {"query": 3}},
        {"target_modules": ["word_embeddings", "dense"]},
    ],
    ids=["plain", "rank-stabilised", "dora", "all-linear", "patterns", "embeddings"],
)
def test_what_is_merged_answers_as_peft_does(base: Path, tmp_path: Path, config: dict[str, Any]) -> None:
    adapted = save_adapter(base, tmp_path / "support", **config)
    got = merged(base, tmp_path / "support")
    assert got == pytest.approx(unmerged(adapted), abs=2e-5)
    assert np.abs(got - merged(base)).max() > 1e-3, "it changes something"


@pytest.mark.parametrize("target", ["query", "word_embeddings"])
def test_a_scale_multiplies_what_is_added(base: Path, tmp_path: Path, target: str) -> None:
    for name in ("whole", "half"):
        save_adapter(base, tmp_path / name, target_modules=[target])
    weights = load_file(tmp_path / "half" / WEIGHTS)
    halved = {name: value / 2 if "_B" in name else value for name, value in weights.items()}
    save_file(halved, tmp_path / "half" / WEIGHTS)
    assert merged(base, tmp_path / "whole", scale=0.5) == pytest.approx(merged(base, tmp_path / "half"), abs=1e-6)


def test_several_add_up(base: Path, tmp_path: Path) -> None:
    first, second = (save_adapter(base, tmp_path / name, seed=seed) for name, seed in (("one", 1), ("two", 2)))
    assert first is not second
    both = merged(base, tmp_path / "one", tmp_path / "two")
    assert both == pytest.approx(merged(base, tmp_path / "two", tmp_path / "one"), abs=2e-6)
    for alone in (first, second):
        assert np.abs(both - unmerged(alone)).max() > 1e-3


def test_the_memory_told_has_room_for_what_is_merged(base: Path, tmp_path: Path) -> None:
    save_adapter(base, tmp_path / "support", target_modules=["word_embeddings"])
    weights = sum(value.numel() for value in load_file(tmp_path / "support" / WEIGHTS).values())
    adapters = [read_adapter(tmp_path / "support", "support")]
    assert parameters_to_load(base, adapters) == parameters_of(base) + weights > parameters_of(base)


def test_a_head_that_an_adapter_brings_makes_a_classifier_of_an_encoder(base: Path, tmp_path: Path) -> None:
    adapted = save_adapter(base, tmp_path / "topics", labels=5)
    adapter = read_adapter(tmp_path / "topics", "topics")
    description = describe(base, Task.AUTO, [adapter])
    assert (description.task, description.labels) == (Task.CLASSIFICATION, tuple(f"LABEL_{i}" for i in range(5)))
    assert merged(base, tmp_path / "topics") == pytest.approx(unmerged(adapted), abs=2e-5)


def test_a_head_of_another_size_takes_the_place_of_the_one_that_is_there(base: Path, tmp_path: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=3)
    model.save_pretrained(tmp_path / "three")
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / "three")
    adapted = save_adapter(tmp_path / "three", tmp_path / "five", labels=5)
    assert merged(tmp_path / "three", tmp_path / "five") == pytest.approx(unmerged(adapted), abs=2e-5)


def test_one_output_that_an_adapter_brings_is_a_score(base: Path, tmp_path: Path) -> None:
    save_adapter(base, tmp_path / "scores", labels=1)
    assert describe(base, Task.AUTO, [read_adapter(tmp_path / "scores", "scores")]).task is Task.RERANKING


def of_another_model(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    save_file({name.replace("encoder.layer", "bert.encoder.layer"): v for name, v in weights.items()}, folder / WEIGHTS)


def of_another_width(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    save_file({name: torch.cat([value, value], dim=-1) for name, value in weights.items()}, folder / WEIGHTS)


def without_half(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    save_file({name: value for name, value in weights.items() if "value" not in name}, folder / WEIGHTS)


def not_a_number(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    next(iter(weights.values()))[0, 0] = float("nan")
    save_file(weights, folder / WEIGHTS)


def untrained(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    save_file({name: torch.zeros_like(v) if "lora_B" in name else v for name, v in weights.items()}, folder / WEIGHTS)


def with_config(folder: Path, **fields: object) -> None:
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(config | fields))


def cut_short(folder: Path) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[:-10])


def embeddings_alone(folder: Path, keep: str = "") -> dict[str, torch.Tensor]:
    """Return the weights of an adapter of the embeddings in the place of this one, as they are before training."""
    base = json.loads((folder / CONFIG).read_text())["base_model_name_or_path"]
    save_adapter(Path(base), folder, target_modules=["word_embeddings"])
    weights = load_file(folder / WEIGHTS)
    return {n: torch.zeros_like(v) if "embedding_A" in n else v for n, v in weights.items() if keep in n}


def untrained_embeddings(folder: Path) -> None:
    save_file(embeddings_alone(folder), folder / WEIGHTS)


def half_of_embeddings(folder: Path) -> None:
    weights = embeddings_alone(folder, keep="embedding_A")
    save_file({name: value + 1 for name, value in weights.items()}, folder / WEIGHTS)


def pickled(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "adapter_model.bin")


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (
            of_another_model,
            "does not fit this model: it has no place for 8 of the adapter's tensors, base_model.model.bert.encoder",
        ),
        (of_another_width, "does not fit this model: .*size mismatch"),
        (without_half, "does not fit this model: the adapter lacks 4 tensors"),
        (lambda folder: with_config(folder, target_modules=["c_attn"]), "does not fit this model: .*c_attn"),
        (not_a_number, "no number"),
        (untrained, "changes nothing"),
        (untrained_embeddings, "changes nothing"),
        (half_of_embeddings, "the adapter lacks 1 tensors"),
        (lambda folder: with_config(folder, peft_type="IA3"), "of PEFT's type IA3, and only LORA is merged"),
        (lambda folder: with_config(folder, init_lora_weights="pissa_niter_4"), "began as pissa_niter_4"),
        (lambda folder: (folder / CONFIG).write_text("{"), "adapter_config.json is no JSON"),
        (lambda folder: (folder / CONFIG).unlink(), "there is no adapter_config.json"),
        (cut_short, "truncated or damaged"),
        (pickled, "there is no adapter_model.safetensors"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_fix(
    base: Path, tmp_path: Path, break_it: Callable[[Path], object], says: str
) -> None:
    save_adapter(base, tmp_path / "support")
    break_it(tmp_path / "support")
    with pytest.raises(BuildFailed, match=says) as refused:
        merged(base, tmp_path / "support")
    assert refused.value.reason is BuildReason.SOURCE_INVALID


def test_two_heads_are_refused(base: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        save_adapter(base, tmp_path / name, labels=3)
    with pytest.raises(BuildFailed, match=r"adapter two: it brings classifier\.bias whole, and so does one"):
        merged(base, tmp_path / "one", tmp_path / "two")


def test_an_adapter_is_fetched_by_a_step_of_its_own(base: Path, steps: Steps, tmp_path: Path) -> None:
    save_adapter(base, tmp_path / "support")
    files = ObjectStoreFiles(url=(tmp_path / "support").as_uri())
    absent = ObjectStoreFiles(url=(tmp_path / "absent").as_uri())
    request = build_request(ObjectStoreFiles(url=base.as_uri())).model_copy(
        update={"adapters": (AdapterFiles(name="support", files=files), AdapterFiles(name="absent", files=absent))}
    )
    ended = steps.run("fetch", request, "--adapter=support")
    assert ended.code == ExitCode.OK, ended.log
    assert ended.termination.source_digest is None, "that is the model's"
    folder = steps.scratch / "adapters" / "support"
    assert {path.name for path in folder.iterdir()} == {CONFIG, WEIGHTS}
    assert not (steps.scratch / "source").exists()
    ended = steps.run("fetch", request, "--adapter=absent")
    assert (ended.code, ended.termination.reason) == (ExitCode.REFUSED, BuildReason.SOURCE_NOT_FOUND)
    assert ended.termination.message.startswith("adapter absent: there is no folder")
