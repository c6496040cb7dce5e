"""What figures are, in words: by the names that they have in a report."""

from __future__ import annotations

from collections.abc import Mapping

MEANINGS: Mapping[str, str] = {
    "p1Cosine": "first percentile of the cosine between an answer and the original's",
    "minCosine": "least of these cosines",
    "neighboursKept": "share of each text's ten nearest others that stay among its ten nearest",
    "agreement": "share of the texts (or tokens) that keep their label, or had none by a clear margin",
    "maxShift": "99th percentile of the greatest shift of a probability",
    "entityF1": "F1 of the entities that the labels make, against the original's",
    "orderKept": "share of a question's clear orders of two passages that stay",
    "logitError": "99th percentile of the distance to the original's logits, over their root mean square length",
    "batchInvariance": "least likeness of an answer to the same text alone and in company",
    "greatestError": "greatest distance to the original's answer, over their root mean square length",
    "nonFinite": "answers that hold a NaN or an infinity",
    "meanCosine": "mean of the cosines",
    "greatestNormError": "greatest change of an answer's length, as a share of it",
    "worstExtreme": "least likeness of the answers to extreme inputs",
    "unclear": "texts, tokens or orders that the original is undecided about",
    "entityF1OfAll": "F1 of the entities, undecided tokens included",
    "orderKeptOfAll": "share of all orders of two passages that stay, undecided ones included",
    "firstKept": "share of the questions whose best passage stays",
    "scoreSpread": "standard deviation of the original's scores",
    "agreementOfAll": "share that keep their label, undecided ones included",
}
CONFUSED = "confused."


def meaning(name: str) -> str:
    """Return what a figure is, nothing for one that this version doesn't know."""
    if name.startswith(CONFUSED):
        was, _, became = name.removeprefix(CONFUSED).partition(".")
        return f"texts of label {was} that got label {became}"
    return MEANINGS.get(name, "")
