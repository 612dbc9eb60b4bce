"""JSON lines and JSON arrays."""

from __future__ import annotations

import json
import json.scanner
import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from lossdoctor.core.names import recognise
from lossdoctor.core.reader import LINE, Block, Reader, Row, Source

_NUMBERED = re.compile(r"(?:epoch)?[ _-]?(\d{1,9})", re.I)
_SENTENCE = ("msg", "message", "event", "log", "text")
_DECODER = json.JSONDecoder()


class Jsonl(Reader):
    """One JSON object a line (detectron2, mmengine, DETR, fairseq, W&B history), other text between them or before them."""

    priority: ClassVar[int] = 30

    def sniff(self, source: Source) -> bool:
        objects = (row for line in source.text_head.splitlines()[:2000] if (row := _object(line)))
        return source.is_text and any(not _is_message(row) for row in objects)

    def rows(self, source: Source) -> Iterator[Row]:
        scan = json.scanner.make_scanner(_DECODER)  # type: ignore[arg-type]  # what json.loads does in the end
        passed, last = 0, ""
        for line in source.lines():
            if line[:1] == "{":
                try:
                    row, _ = scan(line, 0)
                except (StopIteration, ValueError, RecursionError):
                    row = None
            else:
                row = _object(line)
            if row is None:
                passed += bool(line.strip())
                last = line or last
            else:
                last = ""
                yield row if line.find("{", 1) < 0 else flat(row)
        if last.lstrip().startswith("{"):
            passed -= 1
            yield {"#note": f"the last line is cut short and left out: {last[:60]!r}"}
        if passed:
            yield {"#note": f"{passed} lines that are not JSON are left out"}


class JsonArray(Reader):
    """A JSON document: an array of objects (Chainer), or a mapping of names to lists of equal length (Keras history)."""

    priority: ClassVar[int] = 35

    def sniff(self, source: Source) -> bool:
        head = source.text_head.strip()
        return source.is_text and head[:1] in ("[", "{") and _is_document(head)

    def rows(self, source: Source) -> Iterator[Row]:
        document = source.json()
        if isinstance(document, list):
            yield from (flat(row) for row in document if isinstance(row, dict))
        elif isinstance(document, dict):
            yield from _columns(document)


def _is_message(row: Mapping[str, Any]) -> bool:
    """Whether all that an object has to say stands in a sentence (structlog, Docker, CloudWatch): it is printed text then."""
    said = any(isinstance(row.get(name), str) for name in _SENTENCE)
    return said and not any((role := recognise(name)) and role.metric != "time" for name in flat(row))


def _columns(document: Mapping[str, Any]) -> Iterator[Row]:
    """The rows of a mapping of names to lists, be it the document or one of its members; or of a list of objects in it."""
    if rows := _by_epoch(document):
        yield from rows
        return
    lists = {name: values for name, values in flat(document).items() if isinstance(values, list) and values}
    for values in lists.values():
        if all(isinstance(value, dict) for value in values):
            yield from (flat(value) for value in values)
            return
    size = max(map(len, lists.values()), default=0)
    if lists:
        yield Block({name: values + [None] * (size - len(values)) for name, values in lists.items()})


def _by_epoch(document: Mapping[str, Any]) -> list[Row]:
    """The rows of ``{"epoch_0": {"loss": ...}, ...}``, or of pandas' ``{"loss": {"0": ...}, ...}``; none where it is neither."""
    inner = [value for value in document.values() if isinstance(value, dict)]
    if len(inner) < 2 or len(inner) < len(document):
        return []
    if all(map(_NUMBERED.fullmatch, document)):
        return [{"epoch": int(_NUMBERED.sub(r"\1", name))} | flat(row) for name, row in document.items()]
    if all(row and all(map(str.isdecimal, row)) for row in inner):
        return [{name: row.get(at) for name, row in document.items()} for at in inner[0]]
    return []


def _is_document(head: str) -> bool:
    """Whether this is the beginning of one JSON document, not a JSON object with more lines after it."""
    first, _, rest = head.partition("\n")
    row = _object(first)
    if row is None:
        return _looks_json(head)
    return not rest and any(isinstance(value, list | dict) for value in row.values())


def _looks_json(head: str) -> bool:
    """Whether an object or a name in quotes follows the bracket: printed times, Lua and Python tables have none."""
    return head[1:].lstrip()[:1] == ("{" if head[0] == "[" else '"')


def flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested mapping with its names joined by ``/``."""
    if not prefix and dict not in map(type, row.values()):
        return row if isinstance(row, dict) else dict(row)
    result: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict) and prefix.count("/") < 8:
            result.update(flat(value, f"{prefix}{name}/"))
        else:
            result[f"{prefix}{name}"] = value
    return result


def _object(line: str) -> dict[str, Any] | None:
    """The JSON object that a line is, or that ends it (``json_stats: {...}``)."""
    at = line.find("{", 0, 200)
    if at < 0 or len(line) >= LINE or line[0] == "#":
        return None
    try:
        row = json.loads(line[at:])
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and row else None
