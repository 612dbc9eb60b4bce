"""Words for people: the nearest word, numbers, and text from outside made harmless."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from difflib import get_close_matches

_ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x08+")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``, did you mean 'stalled'?`` to hang onto a sentence about a misspelt word; empty where nothing comes near."""
    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_lower, n=1)
    return f", did you mean {by_lower[close[0]]!r}?" if close else ""


def plain(text: str) -> str:
    """One line of harmless text: white space becomes a space; control codes, lone surrogates and the like become escapes."""
    return "".join(char if char.isprintable() else " " if char.isspace() else _escape(char) for char in text)


def shown(name: str) -> str:
    """A name from a log, safe and short enough for a sentence."""
    return plain(name) if len(name) <= 60 else f"{plain(name[:57])}..."


def listed(names: Iterable[str], most: int = 3) -> str:
    """``a, b, c and 4 more``."""
    found = list(names)
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")


def uncoloured(line: str) -> str:
    """A printed line without the codes that colour it or move the cursor."""
    return _ANSI.sub("", line) if "\x1b" in line or "\x08" in line else line


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()


def number(value: float) -> str:
    """A number for a person, to four digits: ``0.003``, ``2.303``, ``1.5e-05``, ``1,200``."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.4g}"


def whole(value: float | None) -> float | int | None:
    """A step as an int where it is one, 1200 and not 1200.0."""
    return int(value) if value is not None and math.isfinite(value) and value == int(value) else value
