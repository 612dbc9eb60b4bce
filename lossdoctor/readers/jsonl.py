"""JSON lines and JSON arrays."""

from __future__ import annotations

import json
import json.scanner
import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from lossdoctor.core.errors import UnreadableLog
from lossdoctor.core.names import AXES, SPLIT, recognise, words
from lossdoctor.core.reader import LINE, Block, Reader, Row, Source

_NUMBERED = re.compile(r"(?:epoch)?[ _-]?(\d{1,9})", re.I)
_SENTENCE = ("msg", "message", "event", "log", "text")
_PLURAL = re.compile(r"(epoch|step|iteration|iter|episode)s$", re.I)  # of a list that is an axis
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},]')
_CLOSING = {"[": "]", "{": "}"}
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
        try:
            document = source.json()
        except UnreadableLog:
            if (document := _mended(source.document())) is None:
                raise
            yield {"#note": "the document breaks off; what stands before that is read"}
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
    lists = {_PLURAL.sub(r"\1", name): values for name, values in flat(document).items() if isinstance(values, list) and values}
    objects = {name: values for name, values in lists.items() if all(isinstance(value, dict) for value in values)}
    if not lists:
        yield flat(document)
    if objects:
        yield from _objects(objects, {name: values for name, values in lists.items() if name not in objects})
        return
    counters = {name for name in lists if (role := recognise(name)) and role.metric in AXES}
    sizes = {len(values) for name, values in lists.items() if name not in counters and isinstance(values[0], int | float)}
    axes = {len(lists[name]) for name in counters} & sizes
    most = max(sizes or map(len, lists.values()), default=0)
    for size in sorted((axes | {most}) - {0}, reverse=True):
        alone = {name: values for name, values in lists.items() if len(values) == size}
        others = {name: values for name, values in lists.items() if len(values) not in axes} if size == most else {}
        yield Block({name: _spread(values, size) for name, values in (alone | others).items()})


def _spread(values: list[Any], size: int) -> list[Any]:
    """A shorter list over ``size`` rows: each value at the end of its share, as a validation stands that is made now and then;
    one that lacks a few only is taken to begin with the others."""
    if len(values) * 2 > size:
        return (values + [None] * (size - len(values)))[:size]
    spread: list[Any] = [None] * size
    for number, value in enumerate(values, 1):
        spread[number * size // len(values) - 1] = value
    return spread


def _objects(objects: Mapping[str, list[dict[str, Any]]], beside: Mapping[str, list[Any]]) -> Iterator[Row]:
    """The rows of lists of objects, with lists as long as they beside them: ``{"val_loss": [...], "val_metrics": [{...}, ...]}``.

    A list whose name tells a split lends it to the names within; of the others the first is the log, and what is not as
    long as it tells of something else.
    """
    prefix = {name: f"{name}/" if any(word in SPLIT for word in words(name)) else "" for name in objects}
    log = next((name for name in objects if not prefix[name]), None)
    for size in dict.fromkeys(len(values) for name, values in objects.items() if log in (None, name)):
        chosen = [name for name, values in objects.items() if len(values) == size and (prefix[name] or name == log)]
        for at in range(size):
            row = {name: values[at] for name, values in beside.items() if len(values) == size}
            for name in chosen:
                row |= flat(objects[name][at], prefix[name])
            yield row


def _mended(text: str) -> Any:
    """The document of a JSON text that breaks off, up to its last whole item; None where it is unsound elsewhere.

    Keras's histories end so where ``json.dump`` met a float32.
    """
    stack: list[str] = []
    end, closing = 0, ""
    for token in _TOKEN.finditer(text):
        if token[0] in _CLOSING:
            stack.append(_CLOSING[token[0]])
        elif token[0] in "]}" and (not stack or stack.pop() != token[0]):
            return None
        if token[0][0] != '"':
            end, closing = token.start() if token[0] == "," else token.end(), "".join(reversed(stack))
    try:
        return json.loads(text[:end] + closing) if stack else None
    except (ValueError, RecursionError):
        return None


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
