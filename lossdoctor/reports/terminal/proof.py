"""The report on a probe for the terminal: what is wrong, what was tried, and what is proved to help."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lossdoctor.core.fix import Settings
from lossdoctor.core.report import Page
from lossdoctor.core.text import number, plain
from lossdoctor.core.trial import Chosen, Prescription, Proof, Treatment
from lossdoctor.core.wording import as_yaml, before, failures, interval, metric, outcome, percent, ranked
from lossdoctor.reports.terminal.layout import (
    GOOD,
    WARN,
    changes,
    entry,
    finding_body,
    finding_head,
    heading,
    numbered,
    paragraph,
    unexamined,
    verdict_line,
)

TRIALS = 12  # rows of the table of trials
BAR = 24  # characters of the longest bar


def proof_report(proof: Proof, page: Page) -> Iterator[RenderableType]:
    """The report on one probe."""
    yield Text(plain(str(proof.config)), style="bold")
    yield _verdict(proof)
    if proof.prescription:
        yield from _prescription(proof, proof.prescription)
    yield from _findings(proof)
    if others := [text for text in proof.advice if text not in {finding.message for finding in proof.examination.findings}]:
        yield heading("What no change of the config can fix")
        yield from (entry("-", text, width=1) for text in others)
    if not page.quiet:
        yield from _attribution(proof)
        yield from _trials(proof)
        yield heading("What was examined")
        yield from unexamined(proof.examination)
        yield from _cost(proof)


def _verdict(proof: Proof) -> RenderableType:
    base = proof.baseline
    facts = [f"trained as it is: {proof.verdict.summary}"] if proof.verdict else []
    if base and proof.trials:
        over = f"({interval(base.low, base.high)}) over {base.seeds} seeds" if base.seeds > 1 else "with one seed"
        facts.append(f"to beat: {base.metric} {number(base.value)} {over}")
    return verdict_line(proof.status, outcome(proof), facts)


def _prescription(proof: Proof, prescription: Prescription) -> Iterator[RenderableType]:
    settings = before(proof)
    yield heading("Prescription, the change that helps most first")
    for place, chosen in enumerate(prescription.chosen, 1):
        yield from _chosen(place, chosen, settings, alone=len(prescription.chosen) == 1)
    effect = prescription.effect
    yield Text("")
    yield entry("gain", f"{number(effect.gain)} ({interval(effect.low, effect.high)}), proved on {effect.seeds} paired seeds")
    if prescription.config:
        yield entry("written to", str(prescription.config))
        yield entry("train it with", f"lossdoctor train {prescription.config}")


def _chosen(place: int, chosen: Chosen, settings: Settings, alone: bool) -> Iterator[RenderableType]:
    head = Text()
    head.append(f"{chosen.fix.code} {chosen.fix.name}", style=f"bold {GOOD}")
    if not alone:
        head.append(f"  its share of the gain: {number(chosen.gain)}")
    yield numbered(place, head)
    for change in changes(chosen.patch.changes, {key: settings.get(key) for key in chosen.patch.changes} if settings.values else None):
        yield Padding(change, (0, 0, 0, 4))
    if chosen.patch.why:
        yield paragraph(chosen.patch.why, indent=4, style="dim")


def _findings(proof: Proof) -> Iterator[RenderableType]:
    for place, finding in enumerate(proof.examination.findings, 1):
        if place == 1:
            yield heading("What was found in model and data")
        yield finding_head(place, finding)
        yield from finding_body(finding)
        if finding.message in proof.advice:
            yield paragraph(Text("no change of the config can fix this: look at it yourself", style=WARN), indent=4)


def _attribution(proof: Proof) -> Iterator[RenderableType]:
    if not proof.attribution:
        return
    yield heading("Where the gain comes from")
    table = Table.grid(padding=(0, 2, 0, 0))
    for family, share in sorted(proof.attribution.items(), key=lambda item: -item[1]):
        table.add_row(family.replace("_", " "), Text("█" * max(1, round(BAR * min(max(share, 0.0), 1.0))), style=GOOD), percent(share))
    yield Padding(table, (0, 0, 0, 2))


def _trials(proof: Proof) -> Iterator[RenderableType]:
    if not proof.trials:
        return
    yield heading(f"What was tried, and {metric(proof)} after it")
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    table.add_column("fixes", ratio=1, overflow="fold")
    for name in ("after", "gain", "interval"):
        table.add_column(name, justify="right", no_wrap=True, overflow="crop")
    table.add_column("", no_wrap=True, overflow="crop")
    trials = ranked(proof.trials)
    for trial in trials[:TRIALS]:
        table.add_row(*_trial(trial))
    yield Padding(table, (0, 0, 0, 2))
    if len(trials) > TRIALS:
        yield paragraph(f"and {len(trials) - TRIALS} more, none better; --format json has all", style="dim")
    for error, codes in failures(proof.trials).items():
        yield paragraph(f"{', '.join(codes)} did not finish: {error}", style="dim")


def _trial(trial: Treatment) -> list[Text]:
    name = Text(" + ".join(f"{fix.code} {fix.name}" for fix in trial.fixes))
    values = [f"{key.rpartition('.')[2]} {as_yaml(value)}" for key, value in trial.patch.changes.items()]
    name.append(f" ({', '.join(values)})", style="dim")
    effect = trial.effect
    gain = f"{effect.gain:+.3g}" if effect else ""
    span = f"{effect.low:.3g} to {effect.high:.3g}" if effect and effect.seeds > 1 else ""
    return [name, Text(number(trial.value)), Text(gain), Text(span), Text("proved" if trial.verified else "", style=f"bold {GOOD}")]


def _cost(proof: Proof) -> Iterator[RenderableType]:
    cost = proof.cost
    yield entry("device", proof.device)
    steps = f"{cost.train_steps:,} training steps, as many as {number(cost.full_trainings)} trainings of the config take"
    yield entry("cost", f"{cost.seconds:.0f} s, {steps}")
