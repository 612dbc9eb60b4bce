"""The JSON Schemas of what lossdoctor reads and writes, for editors, programs and agents; ``lossdoctor explain --schema`` prints them.

A report may gain keys without a new version; a key that is there keeps its name and its meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lossdoctor.core.check import Severity
from lossdoctor.core.diagnosis import Status
from lossdoctor.core.errors import UsageError
from lossdoctor.core.families import FAMILIES
from lossdoctor.core.text import did_you_mean

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
ANY: Schema = {}


def schema(name: str | None) -> Schema:
    """The schema of the probe ``config`` (where no name is given), or of the report of ``diagnose`` or ``probe``."""
    makers: dict[str, Callable[[], Schema]] = {"config": _config, "diagnose": _diagnose, "gate": _diagnose, "probe": _probe}
    wanted = (name or "config").lower()
    if wanted not in makers:
        raise UsageError(f"--schema {name!r}: there is no such schema{did_you_mean(wanted, makers)}; there are {', '.join(makers)}")
    return makers[wanted]()


def _config() -> Schema:
    from lossdoctor.core.config import schema

    return schema()


def _diagnose() -> Schema:
    """What ``diagnose`` and ``gate`` print with ``--format json``."""
    return _document(
        "lossdoctor.diagnose/1",
        runs=_list(_run()),
        comparison=_or_null(_comparison()),
        errors=_list(_object(log=TEXT, message=TEXT)),
    )


def _probe() -> Schema:
    """What ``probe`` prints with ``--format json``."""
    cost = _object(seconds=NUMBER, train_steps=COUNT, full_trainings=_or_null(NUMBER), examine_steps=COUNT)
    return _document(
        "lossdoctor.probe/1",
        config=TEXT,
        device=TEXT,
        status=_status(),
        **_examination(),
        baseline=_or_null(_object(metric=TEXT, value=_or_null(NUMBER), interval=_interval(), seeds=COUNT)),
        trials=_list(_trial()),
        void=_or_null(TEXT),
        prescription=_or_null(_prescription()),
        advice=_list(TEXT),
        attribution=_map(_or_null(NUMBER)),
        cost=cost,
        interrupted=FLAG,
        objections=_list(_objection()),
    )


def _run() -> Schema:
    number = _or_null(NUMBER)
    forecast = _object(metric=TEXT, at_step=number, value=number, low=number, high=number, gain=number)
    return _object(
        source=TEXT,
        name=TEXT,
        reader=TEXT,
        steps=number,
        epochs=number,
        series=_map(COUNT),
        columns=_map(TEXT),
        status=_status(),
        healthy=_or_null(FLAG),
        confidence=SHARE,
        summary=TEXT,
        onset_step=number,
        best_step=number,
        stop_step=number,
        wasted_fraction=_or_null(SHARE),
        forecast=_or_null(forecast),
        **_examination(),
        notes=_list(TEXT),
        objections=_list(_objection()),
    )


def _examination() -> dict[str, Schema]:
    return {"findings": _list(_finding()), "passed": _list(TEXT), "skipped": _map(TEXT), "crashed": _map(TEXT)}


def _finding() -> Schema:
    number = _or_null(NUMBER)
    return _object(
        code={"type": "string", "pattern": "^[A-Z]+[0-9]{3}$"},
        name=TEXT,
        family={"enum": list(FAMILIES)},
        severity={"enum": [severity.value for severity in Severity]},
        confidence=SHARE,
        message=TEXT,
        step=number,
        span=_or_null({"type": "array", "items": number, "minItems": 2, "maxItems": 2}),
        evidence=_map(ANY),
        fixes=_list(_object(code=TEXT, name=TEXT, changes=_map(ANY), why=TEXT)),
    )


def _objection() -> Schema:
    return _object(rule=TEXT, message=TEXT, subject=TEXT)


def _comparison() -> Schema:
    number = _or_null(NUMBER)
    standing = _object(
        run=COUNT,
        level=number,
        ended_at=number,
        behind=number,
        margin=number,
        differs=FLAG,
        parted_at=number,
        shared_at=number,
        shared_behind=number,
        shared_differs=_or_null(FLAG),
    )
    judged = _object(
        run=COUNT,
        metric=TEXT,
        axis=TEXT,
        level=number,
        expected=number,
        limit=number,
        worse=_or_null(FLAG),
        target=number,
        reached_at=number,
        deadline=number,
        slower=_or_null(FLAG),
        changed=_map(_list(ANY)),
        summary=TEXT,
    )
    return _object(
        summary=TEXT,
        metric=_or_null(TEXT),
        axis={"enum": ["step", "epoch", "share", None]},
        higher_is_better=FLAG,
        best=_list(COUNT),
        ranking=_list(standing),
        left_out=_list(_object(run=COUNT, reason=TEXT)),
        changed=_map(_list(ANY)),
        baseline=_list(judged),
    )


def _trial() -> Schema:
    number = _or_null(NUMBER)
    return _object(
        fixes=_list(TEXT),
        family=TEXT,
        changes=_map(ANY),
        value=number,
        gain=number,
        interval=_or_null(_interval()),
        seeds=COUNT,
        steps=COUNT,
        verified=FLAG,
        error=_or_null(TEXT),
    )


def _prescription() -> Schema:
    number = _or_null(NUMBER)
    return _object(
        fixes=_list(_object(code=TEXT, name=TEXT, family={"enum": list(FAMILIES)}, changes=_map(ANY), gain=number)),
        before=number,
        after=number,
        interval=_or_null(_interval()),
        verified=FLAG,
        config=_or_null(TEXT),
    )


def _document(name: str, **properties: Schema) -> Schema:
    return {"$schema": DRAFT, "title": name, **_object(schema={"const": name}, version=TEXT, **properties)}


def _object(**properties: Schema) -> Schema:
    """All keys are there in every report; more may come."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


def _interval() -> Schema:
    return {"type": "array", "items": _or_null(NUMBER), "minItems": 2, "maxItems": 2}


def _status() -> Schema:
    return {"enum": [status.value for status in Status]}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}
