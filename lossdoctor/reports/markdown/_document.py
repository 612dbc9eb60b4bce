"""The Markdown, from templates in which everything that is printed is escaped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lossdoctor.core import wording
from lossdoctor.core.diagnosis import Diagnosis
from lossdoctor.core.issue import UNREAD, failed, issues, issues_of_proof
from lossdoctor.core.report import Context
from lossdoctor.core.ruling import Objection
from lossdoctor.core.text import number, plain
from lossdoctor.core.trial import Proof

ROWS = 20  # of a table
IN_FULL = 5  # runs whose issues are listed
ISSUES = 4  # of each
PLACES = 10  # of the ranking
LONG = 400  # characters of one text, such as a message


def diagnoses_document(diagnoses: Sequence[Diagnosis], context: Context) -> str:
    """The runs, those that fail first; many stay a short table."""
    rows = sorted(diagnoses, key=lambda each: (not failed(each, context), wording.badness(each)))
    fails = [each for each in rows if failed(each, context)]
    found = issues(diagnoses, context)
    return _render(
        "diagnoses.md",
        rows=[(each, each in fails) for each in rows[:ROWS]],
        total=len(diagnoses),
        fails=len(fails),
        counts=Counter(each.status for each in rows),
        detailed=[(each, [issue for issue in found if issue.run == wording.title(each.run)]) for each in (fails or rows)[:IN_FULL]],
        unread=[issue for issue in found if issue.rule == UNREAD],
        comparison=context.comparison,
        ruled=bool(context.rulings),
        most=ISSUES,
        places=PLACES,
    )


def proof_document(proof: Proof, objections: Sequence[Objection]) -> str:
    """What a probe proved, or found."""
    return _render("proof.md", proof=proof, issues=issues_of_proof(proof, objections), settings=wording.before(proof), most=ROWS)


def _render(template: str, **context: Any) -> str:
    text = _environment().get_template(template).render(**context, wording=wording)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("lossdoctor.reports.markdown"),
        autoescape=False,  # of HTML: `escaped` does what Markdown needs, HTML included
        finalize=lambda value: value if isinstance(value, Markup | int) else escaped(str(value)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "percent": wording.percent, "words": _words, "code": code, "distinct": _distinct}
    environment.filters |= {"fenced": lambda line: Markup(plain(line).replace("`", "'"))}
    return environment


def _words(name: str) -> str:
    return name.replace("_", " ")


def _distinct(values: Sequence[object]) -> str:
    """The values that a setting had: from one to the other of two runs, else those that occur."""
    texts = ["not logged" if value is None else wording.as_yaml(value) for value in values]
    several = list(dict.fromkeys(texts))
    return " → ".join(texts) if len(texts) == 2 else ", ".join(several[:ISSUES]) + (", ..." if len(several) > ISSUES else "")


def escaped(text: str) -> str:
    """Text that means nothing to Markdown or HTML, on one line, fit for the cell of a table; it names nobody and links nowhere."""
    text = plain(text if len(text) <= LONG else f"{text[: LONG - 3]}...")
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*\[\]|~]|(?<!\w)_|_(?!\w))", r"\\\1", text)
    return re.sub(r"([@#]|:(?=//)|www(?=\.))", r"\1<!-- -->", text)


def code(text: str) -> Markup:
    """Text as a code span; a backtick cannot stand in one that is fenced by one."""
    shown = plain(str(text) if len(str(text)) <= LONG else f"{str(text)[: LONG - 3]}...").replace("`", "'").replace("|", "\\|")
    return Markup(f"`{shown or ' '}`")
