"""A report in words and numbers: what every rendering says."""

from __future__ import annotations

from modelyard.contract.report import BuildReport, Outcome
from modelyard.gates import outcome_of
from modelyard.report.document import TONES, Document, Tile
from modelyard.report.judged import counted_batch, gates_of, latency_at, leading_of
from modelyard.report.sections.agreement import agreement
from modelyard.report.sections.candidates import candidates
from modelyard.report.sections.gates import gates
from modelyard.report.sections.making import making
from modelyard.report.sections.speed import speed
from modelyard.report.sections.subject import subject
from modelyard.report.words import bounds, count, megabytes, milliseconds, moment, number, seconds, times, times_bounds
from modelyard.wording import counted

VERDICTS = {
    Outcome.PASS: ("Proven", "holds every gate of the build"),
    Outcome.MISS: ("Gate missed", "misses a gate of the build"),
    Outcome.INCONCLUSIVE: ("Not proven", "does not surely hold every gate of the build"),
}
EXPORT_ONLY = ("Export proven", "holds every gate of the build, with weights that nobody trained")


def document_of(report: BuildReport) -> Document:
    """Return the whole report."""
    held = gates_of(report, report.chosen)
    found = outcome_of(held)
    verdict, words = EXPORT_ONLY if found is Outcome.PASS and not report.source.trained else VERDICTS[found]
    passed = sum(gate.outcome is Outcome.PASS for gate in held)
    parity = report.chosen.parity
    return Document(
        title=short_name(report),
        subtitle=f"{report.engine} {report.precision} for {report.source.task}, measured {moment(report.finished_at)}",
        verdict=verdict,
        verdict_tone=TONES[found],
        verdict_words=f"The artifact {words}: {passed} of {counted(len(held), 'gate')}.",
        warnings=(parity.caveat,) if parity and parity.caveat else (),
        tiles=_tiles(report),
        sections=tuple(section(report) for section in (subject, gates, candidates, speed, agreement, making)),
        footer=f"Report of build {report.name}, shape {report.schema_version}. The figures are those of report.json.",
    )


def short_name(report: BuildReport) -> str:
    """Return what people call the source: a repository without its registry, commit or digest."""
    place = report.source.ref.removeprefix("oci://").removeprefix("pvc:")
    if report.source.kind != "objectStore":  # nothing is pinned there, and an address of Azure's has an @ of its own
        place = place.partition("@")[0]
    if report.source.kind == "oci" and "/" in place:
        place = place.partition("/")[2]
    return place.strip("/") or report.name


def _tiles(report: BuildReport) -> tuple[Tile, ...]:
    """Return the numbers to see first."""
    chosen, batch = report.chosen, counted_batch(report)
    latency, leading = latency_at(chosen, batch), leading_of(report, chosen)
    tiles = []
    if latency:
        faster, p50 = latency.speedup, milliseconds(latency.p50_ms)
        tiles += [
            Tile(label=f"speedup, batch {batch}", value=times(faster.value), note=f"95% bounds {times_bounds(faster)}"),
            Tile(label=f"one call, batch {batch}", value=p50, note=f"95% within {milliseconds(latency.p95_ms)}"),
        ]
    if leading:
        figure = leading.figure
        sure = f"95% bounds {bounds(figure)}, " if number(figure.lower) != number(figure.upper) else ""
        tiles.append(
            Tile(label=leading.name, value=number(figure.value), note=f"{sure}{count(figure.samples)} answers")
        )
    if report.artifact:
        parameters = f"{count(report.source.parameters)} parameters"
        tiles.append(Tile(label="artifact", value=megabytes(report.artifact.size), note=parameters))
    took = (report.finished_at - report.started_at).total_seconds()
    tiles.append(Tile(label="build", value=seconds(took), note=f"on {counted(report.machine.cores, 'core')}"))
    return tuple(tiles)
