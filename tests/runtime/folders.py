"""A model's folder made by hand: small, quick to write, and with the clutter that repositories have."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

HIDDEN, VOCABULARY = 64, 600
USED = (
    "1_Pooling/config.json",
    "config.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "tokenizer.json",
    "vocab.txt",
)
"""What a build reads of it."""
CLUTTER = ("README.md", "onnx/model.onnx", "onnx/config.json", "pytorch_model.bin", "tf_model.h5", "train_script.py")


def model_folder(folder: Path) -> Path:
    """Write a model of some 150 kB: enough for a hub to keep its weights apart, by their sha256."""
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    modules += [{"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]
    contents = {
        "config.json": {"model_type": "bert", "architectures": ["BertModel"], "hidden_size": HIDDEN},
        "modules.json": modules,
        "1_Pooling/config.json": {"pooling_mode_mean_tokens": True},
        "sentence_bert_config.json": {"max_seq_length": 128},
        "tokenizer.json": {"version": "1.0"},
    }
    for name, content in contents.items():
        write(folder / name, json.dumps(content))
    write(folder / "vocab.txt", "\n".join(f"word{i}" for i in range(VOCABULARY)))
    for name in CLUTTER:
        write(folder / name, f"{name}: nothing that a build reads")
    weights = np.random.default_rng(0).standard_normal((VOCABULARY, HIDDEN)).astype(np.float32)
    save_file({"embeddings.word_embeddings.weight": weights}, folder / "model.safetensors")
    return folder


def write(path: Path, text: str) -> None:
    """Write a file, making the folder that it stands in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file's content by its path."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
