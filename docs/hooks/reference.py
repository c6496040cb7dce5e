"""Writes reference pages from the CRDs, the reasons and the report when the site is built: they cannot fall behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from modelyard.api.schema import structural_schema
from modelyard.contract.report import BuildReport
from modelyard.reasons import ADVICE, Reason
from modelyard.report.html import html_of

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "tests/modelyard/report/reports/minilm.json"
"""The report of a real build: the tests' own."""

Schema = Mapping[str, Any]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each CRD, those of reasons and of the report, and an example of one (a hook that MkDocs calls)."""
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        crd = yaml.safe_load(path.read_text())
        kind = crd["spec"]["names"]["kind"]
        files.append(File.generated(config, f"reference/{kind.lower()}.md", content=page(crd)))
    files.append(File.generated(config, "reference/reasons.md", content=reasons_page()))
    files.append(File.generated(config, "reference/report.md", content=report_page()))
    example = EXAMPLE.read_text()
    page_of_example = html_of(BuildReport.model_validate_json(example))
    files.append(File.generated(config, "reference/report-example.json", content=example))
    files.append(File.generated(config, "reference/report-example.html", content=page_of_example))
    return files


def reasons_page() -> str:
    """Return the page of all reasons: what each means, and what to do about it."""
    rows = [f"| `{reason}` | {ADVICE[reason].meaning} | {ADVICE[reason].fix} |" for reason in Reason]
    intro = (
        "The reasons of conditions and events, of both kinds. The message beside one has the names and numbers of the "
        "case: `kubectl describe om NAME` shows both."
    )
    return "\n".join(
        ["# Reasons", "", intro, "", "| reason | meaning | what to do |", "| --- | --- | --- |", *rows, ""]
    )


def report_page() -> str:
    """Return the page of the report's fields; what is said of its lineage is written by hand beside this file."""
    intro = (
        "`report.json`, as a build attaches it to its artifact ([how to read it](../how-to/report.md)). Within one "
        "`schemaVersion` the shape only grows: pass over fields that you don't know. A field that is absent was not "
        "measured, or came after the build. [The same as JSON Schema](report.schema.json)."
    )
    schema = structural_schema(BuildReport, defaults=False)
    lineage = (ROOT / "docs/hooks/lineage.md").read_text()
    return "\n\n".join(["# The report", intro, table(fields(schema, "")), lineage])


def page(crd: Schema) -> str:
    """Return the page of one CRD: what it is, its fields, its status, its columns."""
    names, version = crd["spec"]["names"], crd["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    header = f"`apiVersion: {crd['spec']['group']}/{version['name']}`, `kind: {names['kind']}`"
    parts = [
        f"# {names['kind']}",
        schema["description"],
        f"{header}; short: `kubectl get {names['shortNames'][0]}`.",
    ]
    for part in ("spec", "status"):
        parts += [f"## {part.capitalize()}", table(fields(schema["properties"][part], part))]
    return "\n\n".join(parts) + "\n"


def table(rows: Iterator[tuple[str, str, str, str]]) -> str:
    """Return the fields as a Markdown table."""
    head = ["| field | type | default | meaning |", "| --- | --- | --- | --- |"]
    return "\n".join(head + [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows])


def fields(schema: Schema, path: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield (path, type, default, meaning) of each field below ``schema``, parents before their children."""
    items, values = schema.get("items", {}), schema.get("additionalProperties", {})
    within = "[]" if items else ".*" if values else ""
    for name, field in (schema.get("properties") or (items or values).get("properties") or {}).items():
        here = f"{path}{within}.{name}".removeprefix(".")
        default = f"`{field['default']}`" if "default" in field else ""
        yield f"`{here}`", kind(field), default, meaning(field)
        yield from fields(field, here)


def kind(field: Schema) -> str:
    """Return a field's type as people say it: the words of an enum, ``list of string``, ``integer or string``."""
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    if field.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if "items" in field:
        return f"list of {kind(field['items'])}"
    if "additionalProperties" in field:
        return f"map of {kind(field['additionalProperties'])}"
    return str(field.get("type", "object"))


def meaning(field: Schema) -> str:
    """Return a field's description and the words of its rules, on one line."""
    rules = [rule["message"] for rule in field.get("x-kubernetes-validations", ()) if "message" in rule]
    return " ".join(" ".join([field.get("description", ""), *(f"*{rule}.*" for rule in rules)]).split())
