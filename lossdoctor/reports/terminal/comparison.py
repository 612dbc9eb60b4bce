"""How runs compare, for the terminal: a sentence, and a ranking that stays short."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lossdoctor.core.comparison import Comparison, Standing
from lossdoctor.core.report import Page
from lossdoctor.core.text import number, plain
from lossdoctor.core.wording import as_yaml, title
from lossdoctor.reports.terminal.layout import GOOD, WARN, ending, entry, heading, paragraph

ROWS = 10  # of the ranking
SETTINGS = 6  # that changed and are shown
VALUES = 4  # of each
TITLE = 34  # characters of a run's title, at most
OTHERS = 52  # left to all but the title


def compared(comparison: Comparison | None, page: Page) -> Iterator[RenderableType]:
    """What is said about the runs together, and about each against the baselines; nothing where there is one run alone."""
    if comparison is None:
        return
    if comparison.standings or comparison.left_out:
        yield heading("Compared")
        if len(comparison.runs) > 1 and comparison.summary:
            yield paragraph(comparison.summary)
        yield from _ranking(comparison, page)
        yield from _changed(comparison)
    yield from _judged(comparison)


def _ranking(comparison: Comparison, page: Page) -> Iterator[RenderableType]:
    standings = comparison.standings
    if not standings:
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    width = max(TITLE // 2, min(TITLE, page.width - OTHERS))
    table.add_row("", "", comparison.metric, "behind", "", style="dim")
    for place, standing in enumerate(standings[:ROWS], 1):
        behind = "" if place == 1 else number(standing.behind)
        table.add_row(
            f"{place}.", Text(ending(title(standing.run), width)), number(standing.level), behind, _remark(comparison, standing, place)
        )
    yield Padding(table, (1, 0, 0, 2))
    if len(standings) > ROWS:
        yield paragraph(f"and {len(standings) - ROWS:,} more; --format json has all", style="dim")
    for run, reason in comparison.left_out[:ROWS] if len(comparison.runs) > 2 else ():
        yield paragraph(f"not compared: {title(run)}, {reason}", style="dim")


def _remark(comparison: Comparison, standing: Standing, place: int) -> Text:
    if place == 1:
        return Text("best", style=GOOD) if len(comparison.best) == 1 else Text("")
    if not standing.differs:
        return Text("within noise", style="dim")
    apart = "" if standing.parted_at is None else f" since {comparison.axis} {number(round(standing.parted_at, 1))}"
    return Text(f"worse{apart}", style=WARN)


def _changed(comparison: Comparison) -> Iterator[RenderableType]:
    lines = []
    for key, values in list(comparison.changed.items())[:SETTINGS]:
        shown = dict.fromkeys("not logged" if value is None else as_yaml(value) for value in values) if len(values) > 2 else values
        texts = [value if isinstance(value, str) else as_yaml(value) for value in shown]
        more = f", and {len(texts) - VALUES} more" if len(texts) > VALUES else ""
        lines.append(f"{plain(key)}: " + (" → ".join(texts) if len(values) == 2 else ", ".join(texts[:VALUES]) + more))
    if lines:
        yield Text("")
        yield entry("what changed", *lines)


def _judged(comparison: Comparison) -> Iterator[RenderableType]:
    for place, judgement in enumerate(comparison.judgements):
        if place == 0:
            yield heading("Against the baseline")
        style = WARN if judgement.worse else ""
        yield paragraph(judgement.summary, style=style)
        if len(comparison.runs) == 1 and judgement.changed:
            yield entry(
                "what changed", *(f"{plain(key)}: {as_yaml(was)} → {as_yaml(now)}" for key, (was, now) in judgement.changed.items())
            )
        if place == ROWS - 1 and len(comparison.judgements) > ROWS:
            yield paragraph(f"and {len(comparison.judgements) - ROWS:,} more; --format json has all", style="dim")
            return
