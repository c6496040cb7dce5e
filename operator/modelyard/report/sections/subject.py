"""What was built, out of what."""

from __future__ import annotations

from modelyard.contract.report import AdapterReport, BuildReport
from modelyard.report.document import Row, Section, Table, code, text
from modelyard.report.words import count, megabytes, moment


def subject(report: BuildReport) -> Section:
    """Return the section."""
    return Section(
        anchor="built",
        title="What was built",
        blocks=(
            Table(caption="The source, as it was read", rows=_source(report)),
            Table(caption="The artifact", rows=_artifact(report)),
        ),
    )


def _source(report: BuildReport) -> tuple[Row, ...]:
    source = report.source
    rows: list[Row] = [
        (text("place"), code(source.ref)),
        (text("kind of place"), code(source.kind)),
        (text("digest of its files"), code(source.digest)),
        *(_merged(adapter) for adapter in source.adapters),
        (text("architecture"), text(f"{source.architecture} ({source.model_type})")),
        (text("task"), text(str(source.task))),
    ]
    if source.pooling is not None:
        rows.append((text("pooling"), text(source.pooling)))
    return (
        *rows,
        (text("parameters"), text(count(source.parameters))),
        (text("weights"), text("trained" if source.trained else "as they are initialised: no trace of training")),
    )


def _merged(adapter: AdapterReport) -> Row:
    return text(f"merged adapter {adapter.name}, times {adapter.scale:g}"), code(f"{adapter.ref} {adapter.digest}")


def _artifact(report: BuildReport) -> tuple[Row, ...]:
    artifact = report.artifact
    rows: list[Row] = [(text("engine and precision"), text(f"{report.engine}, {report.precision}"))]
    if artifact is None:
        rows.append((text("place"), text("not pushed yet")))
    else:
        rows += [
            (text("place"), code(f"{artifact.repository}@{artifact.digest}")),
            (text("size"), text(f"{megabytes(artifact.size)} ({count(artifact.size)} bytes)")),
        ]
    return (
        *rows,
        (text("build"), code(report.name)),
        (text("digest of the inputs"), code(report.key)),
        (text("began"), text(moment(report.started_at))),
        (text("measured until"), text(moment(report.finished_at))),
    )
