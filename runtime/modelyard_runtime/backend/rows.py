"""Requests into batches for the engine: checked, stripped of padding, grouped by length. Pure numpy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Tokens: TypeAlias = npt.NDArray[np.int64]
Answers: TypeAlias = npt.NDArray[np.float32]

IDS, MASK, TYPES = "input_ids", "attention_mask", "token_type_ids"
Text: TypeAlias = Mapping[str, Tokens]
"""What the model reads of one text, or of a pair of texts: int64 [tokens] by the tensor's name."""
Batch: TypeAlias = Mapping[str, Tokens]
"""Texts side by side: int64 [texts, tokens] by the tensor's name."""

CALL_TOKENS = 32
"""What one more call of the engine costs, in tokens computed: below that, splitting a batch doesn't pay."""


class BadRequest(ValueError):
    """A request that can't be answered; says why and the fix. Its neighbours in the batch are answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The texts of one request; ``lengths`` without the padding at the end."""

    batch: Batch
    lengths: Tokens  # [texts]

    @property
    def texts(self) -> list[Text]:
        """Return each text without the padding at its end."""
        return [
            {name: tensor[row, :length] for name, tensor in self.batch.items()}
            for row, length in enumerate(self.lengths)
        ]


def rows_of(batch: Batch, *, vocabulary: int, max_sequence: int) -> Rows:
    """Check one request's tensors. Raises BadRequest."""
    ids, mask = batch[IDS], batch[MASK]
    for name, tensor in batch.items():
        if tensor.shape != ids.shape:
            message = f"{IDS} is {list(ids.shape)} but {name} is {list(tensor.shape)}: they must be alike"
            raise BadRequest(message)
    if not ((mask == 0) | (mask == 1)).all():
        message = "attention_mask may hold 0 (padding) and 1 (a token) only"
        raise BadRequest(message)
    if mask.size == 0 or not mask.any(axis=1).all():
        message = "a text without a single token: its attention_mask is all 0 (an empty text has its special tokens)"
        raise BadRequest(message)
    if ids.min() < 0 or ids.max() >= vocabulary:
        worst = ids.min() if ids.min() < 0 else ids.max()
        message = f"token id {worst} is outside this model's vocabulary of {vocabulary}: use the model's own tokenizer"
        raise BadRequest(message)
    types = batch.get(TYPES)
    if types is not None and not ((types == 0) | (types == 1)).all():
        message = f"{TYPES} may hold 0 (the first text) and 1 (the second of a pair) only"
        raise BadRequest(message)
    # The last token of each text, counted from the end: whatever follows is padding and needn't be computed.
    lengths = mask.shape[1] - np.argmax(mask[:, ::-1], axis=1)
    if lengths.max() > max_sequence:
        message = f"a text of {lengths.max()} tokens, but this model takes {max_sequence}: truncate it"
        raise BadRequest(message)
    return Rows(batch=batch, lengths=lengths)


def groups_by_length(lengths: Tokens) -> list[Tokens]:
    """Split texts into calls of the engine so that little padding is computed.

    Returns index arrays, each a group of like lengths. A short text beside a long one would cost as much as the long
    one, so batches are cut where the padding saved is worth a call of its own (``CALL_TOKENS``). The cut is the
    cheapest there is: cost[i] is that of the i shortest texts, found from shorter prefixes.
    """
    order = np.argsort(lengths, kind="stable")
    ordered = lengths[order].tolist()
    cost = [0]
    start_of = [0]
    for end in range(1, len(ordered) + 1):
        width = ordered[end - 1]
        best, start = min((cost[s] + (end - s) * width + CALL_TOKENS, s) for s in range(end))
        cost.append(best)
        start_of.append(start)
    groups: list[Tokens] = []
    end = len(ordered)
    while end:
        groups.append(order[start_of[end] : end])
        end = start_of[end]
    return groups[::-1]


def padded(texts: Sequence[Text], pad_token: int) -> Batch:
    """Lay texts of any lengths side by side, padded at the end to the longest: int64 [texts, longest]."""
    width = max(len(text[IDS]) for text in texts)
    batch = {}
    for name in texts[0]:
        batch[name] = np.full((len(texts), width), pad_token if name == IDS else 0, dtype=np.int64)
        for row, text in enumerate(texts):
            batch[name][row, : len(text[name])] = text[name]
    return batch


def all_padding(inputs: Iterable[str], pad_token: int, texts: int, tokens: int) -> Batch:
    """Return a call of this size that says nothing, to warm an engine with: padding tokens that count as tokens."""
    fill = {IDS: pad_token, MASK: 1, TYPES: 0}
    return {name: np.full((texts, tokens), fill[name], dtype=np.int64) for name in inputs}


def laid_out(rows: Rows, answers: Sequence[Answers]) -> Answers:
    """Return the answer to one request out of those to its texts.

    answers: float32 [size] a text, returned as [texts, size]; or [tokens, size] a text, where what was padded in the
    engine may follow, returned as [texts, tokens of the request, size] with 0 wherever attention_mask is 0.
    """
    if answers[0].ndim == 1:
        return np.stack(answers)
    mask = rows.batch[MASK]
    whole = np.zeros((*mask.shape, answers[0].shape[1]), dtype=np.float32)
    for row, (answer, length) in enumerate(zip(answers, rows.lengths, strict=True)):
        whole[row, :length] = answer[:length]
    whole[mask == 0] = 0
    return whole
