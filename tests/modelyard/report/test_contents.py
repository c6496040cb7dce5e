"""What a report says: the verdict, every candidate with why, and what it does not know."""

from __future__ import annotations

import pytest

from modelyard.contract.choices import Engine, Objective, Precision
from modelyard.contract.report import (
    BuildReport,
    CandidateOutcome,
    CandidateReport,
    Figure,
    GateReport,
    Outcome,
    Sense,
)
from modelyard.report.contents import document_of, short_name
from modelyard.report.document import Document, Plot, Table, Tone
from modelyard.report.figures import meaning
from modelyard.report.judged import counted_batch, gates_of, leading_of, name_of


def with_gates(report: BuildReport, *outcomes: Outcome, trained: bool = True) -> BuildReport:
    """Return the report as if its chosen candidate's gates had come out so."""
    gates = tuple(
        GateReport(gate=f"g{number}", sense=Sense.AT_LEAST, limit=0.5, outcome=outcome)
        for number, outcome in enumerate(outcomes)
    )
    chosen = report.chosen.model_copy(update={"gates": gates})
    candidates = tuple(chosen if one == report.chosen else one for one in report.candidates)
    source = report.source.model_copy(update={"trained": trained})
    return report.model_copy(update={"candidates": candidates, "source": source})


def table(document: Document, section: str, caption: str) -> Table:
    """Return a table by its place and the beginning of its caption."""
    (found,) = (
        block
        for part in document.sections
        if part.anchor == section
        for block in part.blocks
        if isinstance(block, Table) and block.caption.startswith(caption)
    )
    return found


def plots(document: Document, section: str) -> list[Plot]:
    """Return the pictures of a section."""
    return [
        block
        for part in document.sections
        if part.anchor == section
        for block in part.blocks
        if not isinstance(block, Table)
    ]


@pytest.mark.parametrize(
    ("outcomes", "trained", "verdict", "tone"),
    [
        ((Outcome.PASS, Outcome.PASS), True, "Proven", Tone.GOOD),
        ((Outcome.PASS, Outcome.PASS), False, "Export proven", Tone.GOOD),
        ((Outcome.PASS, Outcome.INCONCLUSIVE), True, "Not proven", Tone.UNSURE),
        ((Outcome.INCONCLUSIVE, Outcome.MISS), True, "Gate missed", Tone.BAD),
        ((Outcome.MISS,), False, "Gate missed", Tone.BAD),
    ],
)
def test_the_verdict_is_the_worst_of_the_gates_and_silence_is_none(
    minilm: BuildReport, outcomes: tuple[Outcome, ...], *, trained: bool, verdict: str, tone: Tone
) -> None:
    document = document_of(with_gates(minilm, *outcomes, trained=trained))
    assert (document.verdict, document.verdict_tone) == (verdict, tone)
    assert f"{outcomes.count(Outcome.PASS)} of {len(outcomes)} gate" in document.verdict_words


def test_what_was_never_asked_is_not_proven(minilm: BuildReport) -> None:
    chosen = minilm.chosen.model_copy(update={"parity": None, "gates": (), "speed": None})
    bare = minilm.model_copy(update={"candidates": (chosen,)})
    document = document_of(bare)
    assert document.verdict == "Not proven"
    words = {section.anchor: section.words for section in document.sections}
    assert words["agreement"] == ("Agreement was not measured.",)
    assert words["speed"] == ("Speed was not measured.",)


def test_every_gate_stands_with_its_figure_its_bounds_and_its_limit(minilm: BuildReport) -> None:
    rows = table(document_of(minilm), "gates", "Agreement").rows
    assert minilm.chosen.parity is not None
    assert [row[0].text for row in rows] == [gate.gate for gate in minilm.chosen.gates]
    assert [row[-1].text for row in rows] == [str(gate.outcome) for gate in minilm.chosen.gates]
    p1 = next(row for row in rows if row[0].text == "p1Cosine")
    assert p1[3].text.startswith("at least 0.99")
    assert p1[4].text == "320"


def test_every_candidate_stands_in_the_field_with_its_own_words(minilm: BuildReport) -> None:
    document = document_of(minilm)
    field, reasons = table(document, "candidates", "The field"), table(document, "candidates", "Why")
    assert [row[0].text for row in field.rows] == [name_of(one) for one in minilm.candidates]
    assert [row[2].text for row in reasons.rows] == [one.message for one in minilm.candidates]
    assert {one.outcome for one in minilm.candidates} >= {CandidateOutcome.CHOSEN, CandidateOutcome.FAILED}


def test_a_candidate_without_numbers_is_named_below_the_plot(minilm: BuildReport) -> None:
    failed = next(one for one in minilm.candidates if one.outcome is CandidateOutcome.FAILED)
    (plot,) = plots(document_of(minilm), "candidates")
    assert f"Not shown, for want of a number: {name_of(failed)}." in plot.caption
    assert name_of(minilm.chosen) in plot.svg


def test_a_candidate_that_was_dropped_before_its_speed_was_measured_stands_in_the_picture_all_the_same(
    minilm: BuildReport,
) -> None:
    other = next(one for one in minilm.candidates if one.outcome is CandidateOutcome.SLOWER)
    dropped = other.model_copy(update={"outcome": CandidateOutcome.MISSED_PARITY, "speed": None})
    candidates = tuple(dropped if one == other else one for one in minilm.candidates)
    (plot,) = plots(document_of(minilm.model_copy(update={"candidates": candidates})), "candidates")
    assert f">{name_of(dropped)}<" in plot.svg
    assert ">speed not measured<" in plot.svg
    assert "On the left stand those that were dropped before" in plot.caption


@pytest.mark.parametrize(
    ("kind", "ref", "name"),
    [
        ("huggingFace", "sentence-transformers/all-MiniLM-L6-v2@" + "0" * 40, "sentence-transformers/all-MiniLM-L6-v2"),
        ("oci", "registry.example.com:5000/models/minilm@sha256:" + "0" * 64, "models/minilm"),
        ("oci", "oci://localhost/minilm@sha256:" + "0" * 64, "minilm"),
        ("pvc", "pvc:minilm/", "minilm"),
        ("pvc", "pvc:/", "m-0123456789abcdef"),
        ("objectStore", "s3://bucket/model/", "s3://bucket/model"),
        ("objectStore", "az://models@acme.blob.core.windows.net/m", "az://models@acme.blob.core.windows.net/m"),
    ],
)
def test_a_source_is_called_what_people_call_it(minilm: BuildReport, kind: str, ref: str, name: str) -> None:
    source = minilm.source.model_copy(update={"kind": kind, "ref": ref})
    assert short_name(minilm.model_copy(update={"source": source, "name": "m-0123456789abcdef"})) == name


def test_the_speed_that_counted_is_that_of_the_objective(minilm: BuildReport) -> None:
    assert minilm.asked is not None
    assert counted_batch(minilm) == minilm.asked.batch
    single = minilm.model_copy(update={"asked": minilm.asked.model_copy(update={"objective": Objective.LATENCY})})
    assert counted_batch(single) == 1


def test_an_older_report_is_held_to_the_gates_of_its_task_by_default(older: BuildReport) -> None:
    assert older.chosen.gates == ()
    held = gates_of(older, older.chosen)
    assert [gate.gate for gate in held][:2] == ["p1Cosine", "neighboursKept"]
    assert {gate.outcome for gate in held} == {Outcome.PASS}
    assert counted_batch(older) is not None


def test_where_no_figure_is_known_the_first_gate_s_stands_for_agreement(minilm: BuildReport) -> None:
    """A task of a later version, say: its figures have their gates beside them."""
    figures = {"entityF1": Figure(value=0.99, lower=0.98, upper=0.995, samples=320)}
    gate = GateReport(gate="entityF1", sense=Sense.AT_LEAST, limit=0.97, outcome=Outcome.PASS)
    parity = minilm.chosen.parity
    assert parity is not None
    later = minilm.chosen.model_copy(
        update={"gates": (gate,), "parity": parity.model_copy(update={"figures": figures})}
    )
    leading = leading_of(minilm, later)
    assert leading is not None
    assert leading.words == "1 less entityF1"
    assert (leading.distance.value, leading.distance.lower, leading.distance.upper, leading.gate) == pytest.approx(
        (0.01, 0.005, 0.02, 0.03)
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("confused.0.2", "texts of label 0 that got label 2"),
        ("meanCosine", "mean of the cosines"),
        ("ofALaterVersion", ""),
    ],
)
def test_a_figure_is_explained_where_this_version_knows_it(name: str, words: str) -> None:
    assert meaning(name) == words


def test_a_candidate_that_was_not_asked_has_no_agreement(minilm: BuildReport) -> None:
    silent = CandidateReport(engine=Engine.OPENVINO, precision=Precision.BF16, outcome=CandidateOutcome.FAILED)
    assert leading_of(minilm, silent) is None
    assert gates_of(minilm, silent) == ()
