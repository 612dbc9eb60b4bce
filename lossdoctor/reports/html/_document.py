"""The page: what its templates are given, and a Content-Security-Policy under which nothing but its own parts can run or load."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from itertools import takewhile
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lossdoctor._version import __version__
from lossdoctor.core import discover, wording
from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Diagnosis, Status
from lossdoctor.core.fix import Fix, Settings
from lossdoctor.core.report import Context
from lossdoctor.core.ruling import Objection
from lossdoctor.core.run import Run
from lossdoctor.core.text import number, plain
from lossdoctor.core.trial import Proof
from lossdoctor.reports.html._figure import AFTER, BEFORE, Figure, panels, share
from lossdoctor.reports.html._forest import Forest

IN_FULL = 12  # runs; more become a table with the worst of them in full
ROWS = 300  # of that table
DRAWN = ("loss", "accuracy", "lr", "grad_norm")  # metrics of a probe's trainings, besides the one that it judges by


def diagnoses_document(diagnoses: Sequence[Diagnosis], context: Context) -> str:
    """The page on all runs of all logs; many runs become a table with the worst in full."""
    rows = sorted(diagnoses, key=wording.badness) if len(diagnoses) > IN_FULL else list(diagnoses)
    shown = [(diagnosis, Figure.of(diagnosis)) for diagnosis in rows[:IN_FULL]]
    names = _without_what_is_common([figure.title for _, figure in shown])
    shown = [(diagnosis, replace(figure, short=name)) for (diagnosis, figure), name in zip(shown, names, strict=True)]
    counts = Counter(diagnosis.status for diagnosis in diagnoses)
    comparison = context.comparison
    heading = wording.title(diagnoses[0].run) if len(diagnoses) == 1 else f"{len(diagnoses) or 'no'} runs"
    return _render(
        "diagnoses.html",
        [figure for _, figure in shown],
        heading=heading,
        shown=shown,
        rows=rows[:ROWS],
        total=len(diagnoses),
        counts=sorted(counts.items(), key=lambda item: wording.WORST_FIRST.index(item[0])),
        comparison=comparison,
        judged={id(each.run): each for each in comparison.judgements} if comparison else {},
        ruled={id(each.diagnosis): each for each in context.rulings},
        places={id(diagnosis.run): place for place, (diagnosis, _) in enumerate(shown)},
        unread=context.unread,
    )


def _without_what_is_common(titles: Sequence[str]) -> list[str]:
    """The titles without the folders that all begin with."""
    folders = [title.split("/")[:-1] for title in titles]
    common = sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, zip(*folders, strict=False)))
    return ["/".join(title.split("/")[common:]) for title in titles]


def proof_document(proof: Proof, objections: Sequence[Objection]) -> str:
    """The page on one probe."""
    figure = _before_and_after(proof)
    return _render(
        "proof.html",
        [figure] if figure.panels else [],
        heading=str(proof.config),
        proof=proof,
        objections=objections,
        figure=figure,
        forest=Forest(wording.ranked(proof.trials)),
        settings=wording.before(proof),
        failures=wording.failures(proof.trials),
        advice=[text for text in proof.advice if text not in {finding.message for finding in proof.examination.findings}],
    )


def _before_and_after(proof: Proof) -> Figure:
    """The training of the config as it is and, where there is a prescription, the same with it."""
    after = proof.prescription.run if proof.prescription else None
    drawn = [panel for panel in (panels(proof.run) if proof.run else []) if {c.metric for c in panel.values()} <= {*DRAWN, _judged(proof)}]
    return Figure(str(proof.config), [_compared(panel, after) if after else panel for panel in drawn])


def _judged(proof: Proof) -> str:
    return wording.metric(proof).removeprefix("val_")


def _compared(panel: Mapping[str, Curve], after: Run) -> dict[str, Curve]:
    then = {name: after.curve(curve.metric, curve.split) for name, curve in panel.items()}
    drawn = {f"{name} {AFTER}": curve for name, curve in then.items() if curve is not None and len(curve.finite) > 1}
    return {f"{name} {BEFORE}": curve for name, curve in panel.items()} | drawn


def _render(template: str, figures: Sequence[Figure], **context: Any) -> str:
    points = share(figures)
    style = Markup(_vendor("uPlot.min.css") + _own("page.css"))
    script = Markup(f"/*!\n{_vendor('LICENSE')}*/\n{_vendor('uPlot.iife.min.js')}\n{_own('page.js')}")
    return (
        _environment()
        .get_template(template)
        .render(
            **context,
            version=__version__,
            style=style,
            script=script,
            data=as_script([figure.data(points) for figure in figures]),
            policy=f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; base-uri 'none'; form-action 'none'",
        )
    )


def as_script(data: Any) -> Markup:
    """Data as the text of a ``<script type="application/json">``: no part of it can end the element or begin another."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)  # ASCII, so that U+2028 is an escape too
    return Markup(re.sub("[<>&]", lambda match: f"\\u{ord(match[0]):04x}", text))


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    """Everything that a template prints is made one line of harmless text first, then escaped."""
    environment = Environment(
        loader=PackageLoader("lossdoctor.reports.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
    )
    environment.filters |= {"number": number, "percent": wording.percent, "words": _words, "sentence": _sentence, "code": _code}
    environment.filters["yaml"] = wording.as_yaml
    environment.globals |= {"tone": _tone, "wording": wording, "Settings": Settings, "why": _why, "how": _how, "id": id}
    return environment


def _words(name: str) -> str:
    """``learning-rate-too-high`` and ``never_learned`` as words."""
    return name.replace("-", " ").replace("_", " ")


def _sentence(text: str) -> str:
    """The text with a capital first, and an arrow where ``->`` stands for one."""
    return (text[:1].upper() + text[1:]).replace(" -> ", " \N{RIGHTWARDS ARROW} ")


def _tone(status: Status) -> str:
    """The colour of a status; its icon and its word say the same to those who cannot tell colours."""
    if status.healthy is None:
        return "unknown"
    return "good" if status.healthy else "bad" if status in wording.ALARMING else "warn"


def _why(code: str) -> str:
    """Why a finding matters, from the documentation of its check."""
    return next((check.sections().get("Why it matters", "") for check in discover.checks() if check.code == code), "")


def _how(fix: Fix, changes: Mapping[str, object]) -> str:
    """What to write into one's own training script, from the documentation of the fix, with the values of ``changes`` put in."""
    advice = fix.sections().get("In your code", "")
    filled = advice
    for key, value in changes.items():
        name = re.escape(key.rpartition(".")[2])
        filled = re.sub(rf"\b({name}=)[\d.e+-]+", rf"\g<1>{wording.as_yaml(value)}", filled) if isinstance(value, int | float) else filled
    return filled if filled == advice else filled.partition("`: ")[0].rstrip("`") + "`"


def _code(text: str) -> Markup:
    """Text in which what stands in backticks is code."""
    parts = [Markup("<code>{}</code>").format(part) if place % 2 else Markup.escape(part) for place, part in enumerate(text.split("`"))]
    return Markup("").join(parts)


@cache
def _vendor(name: str) -> str:
    return (files("lossdoctor.reports.html") / "vendor" / name).read_text(encoding="utf-8")


@cache
def _own(name: str) -> str:
    return (files("lossdoctor.reports.html") / "templates" / name).read_text(encoding="utf-8")
