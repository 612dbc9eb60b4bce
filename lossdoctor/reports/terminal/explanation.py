"""``lossdoctor explain`` for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lossdoctor.core.check import Severity
from lossdoctor.core.report import Page
from lossdoctor.reports.terminal.layout import SEVERITY_STYLE, heading, paragraph, render

Entry = Mapping[str, Any]


def explanation(found: Mapping[str, Any], page: Page) -> str:
    """One entry in full, or lists of entries by kind, as text for the page."""
    return render(entry_in_full(found) if "kind" in found else listing(found), page)


def listing(catalogue: Mapping[str, Sequence[Entry]]) -> Iterator[RenderableType]:
    """All entries, a line or two each, by kind and family."""
    for place, (kind, entries) in enumerate(catalogue.items()):
        title = f"{len(entries)} {kind}"
        yield heading(title) if place else Text(title, style="bold")
        for family, members in groupby(entries, key=lambda entry: str(entry.get("family", ""))):
            if family:
                yield paragraph(family.replace("_", " "), style="dim")
            yield _table(members)
    yield Text("\n`lossdoctor explain CODE` shows one in full.", style="dim")


def _table(entries: Iterable[Entry]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold", min_width=8)
    table.add_column()
    for entry in entries:
        name = Text(f"{entry['name']}: ", style="bold") if "code" in entry else Text()
        table.add_row(entry.get("code", entry["name"]), name.append(_prose(entry["title"]), style="not bold"))
    return Padding(table, (0, 0, 0, 2))


def entry_in_full(entry: Entry) -> Iterator[RenderableType]:
    """One entry: what it is, its documentation, its thresholds, and what it leads to."""
    yield _title(entry)
    yield paragraph(_prose(entry["title"]))
    for title, lines in _sections(entry):
        if lines:
            yield heading(title)
            yield from (paragraph(line) for line in lines)


def _prose(text: str) -> str:
    """Text of a docstring as a sentence, its literals between single backticks."""
    return (text[:1].upper() + text[1:]).replace("``", "`")


def _title(entry: Entry) -> Text:
    title = Text(" ".join(filter(None, (entry.get("code"), entry["name"]))), style="bold")
    if "severity" in entry:
        title.append(f"  {entry['severity']}", style=SEVERITY_STYLE[Severity(entry["severity"])])
    family = f", {entry['family'].replace('_', ' ')}" if "family" in entry else ""
    return title.append(f"  {entry['kind']}{family}", style="not bold dim")


def _sections(entry: Entry) -> Iterator[tuple[str, list[str]]]:
    yield from ((title, [_prose(text)]) for title, text in entry["sections"].items())
    thresholds = entry.get("thresholds", {}).items()
    yield f"Thresholds, --set {entry.get('code')}.NAME=VALUE", [f"{name} = {each['value']}  {each['meaning']}" for name, each in thresholds]
    yield "Silent while these stand, for it would be their consequence", entry.get("masked_by", [])
    yield "Fixes", [f"{fix['code']} {fix['name']}: {fix['title']}" for fix in entry.get("cured_by", ())]
    yield "Cures", [f"{check['code']} {check['name']}: {check['title']}" for check in entry.get("cures", ())]
    yield "References", entry.get("references", [])
    yield "An example that it finds", [f"{name} = {text}" for name, text in entry.get("example", {}).items()]
