"""The catalogue of checks, fixes and readers, made from the classes: for ``explain`` and for the tables in the folders.

``python -m lossdoctor.catalogue`` writes the tables; with ``--check`` it fails where one is out of date.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lossdoctor.core.check import Check
from lossdoctor.core.discover import checks, fixes, readers
from lossdoctor.core.errors import UsageError
from lossdoctor.core.families import FAMILIES
from lossdoctor.core.fix import Fix
from lossdoctor.core.reader import Reader
from lossdoctor.core.text import did_you_mean

Entry = dict[str, Any]
KINDS = ("checks", "fixes", "readers")

GENERATED = "<!-- Generated from the classes by `make docs`. Do not edit. -->"


def catalogue() -> dict[str, list[Entry]]:
    """All units as JSON scalars, lists and mappings, by kind: ``checks``, ``fixes``, ``readers``."""
    return {
        "checks": [check_entry(check) for check in checks()],
        "fixes": [fix_entry(fix) for fix in fixes()],
        "readers": [reader_entry(reader) for reader in readers()],
    }


def look_up(topic: str | None) -> dict[str, Any]:
    """The whole catalogue, all of one kind (``checks``, ``fixes``, ``readers``), or one entry."""
    if topic is None:
        return catalogue()
    return {topic: catalogue()[topic]} if topic in KINDS else find(topic)


def find(topic: str) -> Entry:
    """The check, fix or reader of that code or name, in any case; ``UsageError`` names the nearest."""
    makers: dict[str, Callable[[], Entry]] = {reader.name: partial(reader_entry, reader) for reader in readers()}
    makers |= {name: partial(fix_entry, fix) for fix in fixes() for name in (fix.name, fix.code)}
    makers |= {name: partial(check_entry, check) for check in checks() for name in (check.name, check.code)}
    for name, make in makers.items():
        if name.lower().replace("_", "-") == topic.lower().replace("_", "-"):
            return make()
    raise UsageError(f"explain {topic!r}: there is no such entry{did_you_mean(topic, [*KINDS, *makers])}; `lossdoctor explain` lists all")


def check_entry(check: Check) -> Entry:
    """Everything about a check, the fixes that cure what it finds included."""
    return {
        "kind": "check",
        "code": check.code,
        "name": check.name,
        "family": check.family,
        "severity": str(check.severity),
        "title": check.title(),
        "sections": check.sections(),
        "masked_by": sorted(check.requires),
        "thresholds": {name: _threshold(check, name, value) for name, value in check.thresholds().items()},
        "cured_by": [{"code": fix.code, "name": fix.name, "title": fix.title()} for fix in fixes() if check.code in fix.cures],
        "references": list(check.references),
        "example": _example(type(check)),
    }


def fix_entry(fix: Fix) -> Entry:
    """Everything about a fix, the findings that it cures included."""
    return {
        "kind": "fix",
        "code": fix.code,
        "name": fix.name,
        "family": fix.family,
        "title": fix.title(),
        "sections": fix.sections(),
        "cost": fix.cost,
        "cures": [{"code": check.code, "name": check.name, "title": check.title()} for check in checks() if check.code in fix.cures],
        "references": list(fix.references),
    }


def reader_entry(reader: Reader) -> Entry:
    """Everything about a reader."""
    return {"kind": "reader", "name": reader.name, "title": reader.title(), "sections": reader.sections()}


def _lines(cls: type) -> tuple[str, ...]:
    return tuple(textwrap.dedent(inspect.getsource(cls)).splitlines())


def _threshold(check: Check, name: str, value: float) -> Entry:
    """A threshold with the comment behind it: its unit and its source."""
    line = next((line for line in _lines(type(check)) if re.match(rf"    (\w+, )*{name}\b.*=", line)), "")
    return {"value": value, "meaning": line.partition("  # ")[2]}


def _example(cls: type) -> dict[str, str]:
    """The first sick example as it is written: each signal and the expression it is made by."""
    body = ast.parse("\n".join(_lines(cls))).body[0]
    assigned = {ast.unparse(node.targets[0]): node.value for node in ast.walk(body) if isinstance(node, ast.Assign)}
    match assigned.get("sick"):
        case ast.List(elts=[ast.Dict(keys=keys, values=values), *_]):
            written = {ast.literal_eval(key): ast.unparse(value) for key, value in zip(keys, values, strict=True) if key}
        case ast.List(elts=[ast.Call(keywords=keywords), *_]):
            written = {str(keyword.arg): ast.unparse(keyword.value) for keyword in keywords}
        case _:
            written = {}
    return {name: text for name, text in written.items() if text != "None"}


def checks_page() -> str:
    """``checks/README.md``: the checks by family."""
    fixed_by = {check.code: ", ".join(fix.code for fix in fixes() if check.code in fix.cures) or "advice" for check in checks()}
    rows = [(each.family, (f"`{each.code}`", each.name, str(each.severity), each.title(), fixed_by[each.code])) for each in checks()]
    intro = "What `lossdoctor` looks for. `lossdoctor explain CODE` shows one in full. A file in one of these folders is a check."
    return _page("Checks", intro, ("code", "name", "severity", "what it finds", "fixes"), rows)


def fixes_page() -> str:
    """``fixes/README.md``: the fixes by family."""
    cures = {fix.code: ", ".join(sorted(fix.cures)) or "tried on its own" for fix in fixes()}
    rows = [(fix.family, (f"`{fix.code}`", fix.name, fix.title(), cures[fix.code])) for fix in fixes()]
    intro = (
        "What `lossdoctor` can change in a config. `lossdoctor explain CODE` shows one in full. A file in one of these folders is a fix."
    )
    return _page("Fixes", intro, ("code", "name", "what it does", "cures"), rows)


def readers_page() -> str:
    """``readers/README.md``: the readers in the order in which they are asked."""
    rows = [(f"`{reader.name}`", reader.title()) for reader in readers()]
    intro = "The kinds of logs that `lossdoctor` reads, in the order in which they are tried. A file in this folder is a reader."
    return "\n\n".join([GENERATED, "# Readers", intro, _table(("name", "what it reads"), rows)]) + "\n"


def _page(title: str, intro: str, head: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    by_family: dict[str, list[Sequence[str]]] = {}
    for family, row in rows:
        by_family.setdefault(family, []).append(row)
    parts = [GENERATED, f"# {title}", intro]
    for family in sorted(by_family, key=list(FAMILIES).index):
        parts += [f"## {family.replace('_', ' ')}", _table(head, by_family[family])]
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = (head, ["---"] * len(head), *rows)
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells)


def main(arguments: Sequence[str]) -> int:
    """Write the tables; with ``--check``, say which are stale and return 1."""
    house = Path(__file__).parent
    texts = {"checks": checks_page(), "fixes": fixes_page(), "readers": readers_page()}
    pages = {house / folder / "README.md": text for folder, text in texts.items()}
    stale = [path for path, text in pages.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if "--check" in arguments:
            print(f"{path.relative_to(house.parent)} is out of date; run `make docs`", file=sys.stderr)
        else:
            path.write_text(pages[path], encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
