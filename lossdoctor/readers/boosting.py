"""Gradient boosting: XGBoost, LightGBM and CatBoost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from lossdoctor.core.reader import Reader, Row, Source
from lossdoctor.core.table import Dialect, blocks, dialect

_ROUND = re.compile(r"^\s*(?:\[(\d+)\]\s+(?=\S+[':-])|(\d+):\s+(?=learn:)|\[LightGBM\] \[Info\] Iteration:(\d+), (?=\S+ \S+ :))")
_SCORE = re.compile(r"([^\s:]+(?:(?:'s)? [^\s:]+)*?) ?: ?([-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|nan|inf))(?=\s|\+|$)", re.I)
_REPEATED = "est iteration is"  # LightGBM shows it again on the next line
_FILE = re.compile(r"(learn|test)_error\.tsv")


class Boosting(Reader):
    """Printed evaluation of XGBoost (``[0] train-rmse:1.5``), LightGBM (``[1] valid_0's l2: 0.5``) and CatBoost (``0: learn: 0.5``)."""

    priority: ClassVar[int] = 40

    def sniff(self, source: Source) -> bool:
        lines = source.text_head.splitlines()
        said = (before for before, line in zip(["", *lines], lines, strict=False) if _ROUND.match(line) and _SCORE.search(line))
        return source.is_text and any(_REPEATED not in before for before in said)

    def rows(self, source: Source) -> Iterator[Row]:
        return _told_apart(self._rounds(source))

    def _rounds(self, source: Source) -> Iterator[dict[str, Any]]:
        repeated = False
        for line in source.lines():
            if (match := _ROUND.match(line)) and not repeated:
                row: dict[str, Any] = {"iteration": int(match[1] or match[2] or match[3])}
                row.update((_name(name), value) for name, value in _SCORE.findall(line[match.end() :]))
                yield row
            repeated = _REPEATED in line


def _told_apart(rows: Iterator[dict[str, Any]]) -> Iterator[Row]:
    """The rows, those of CatBoost held until the best so far tells which way its metric, that it does not name, is better."""
    held: list[dict[str, Any]] = []
    rises: bool | None = None
    for row in rows:
        if "best" not in row:
            yield row
            continue
        held.append(row)
        if rises is None and row["best"] != row.get("test loss"):
            rises = float(row["best"]) > float(row.get("test loss", "nan"))
        if rises is not None:
            yield from _named(held, rises)
            held = []
    if held:
        yield from _named(held, float(held[-1]["best"]) > float(held[0]["best"]))


def _named(rows: list[dict[str, Any]], rises: bool) -> Iterator[Row]:
    """CatBoost's rows; of what is better when higher no program says less than an AUC."""
    if rises:
        yield {"#note": "the metric is better when higher; it is taken for an AUC"}
    for row in rows:
        yield {name.replace("loss", "auc"): value for name, value in row.items()} if rises else row


class CatboostTsv(Reader):
    """CatBoost's ``learn_error.tsv`` and ``test_error.tsv``, or the folder with both: the split is in the file's name."""

    priority: ClassVar[int] = 85

    def sniff(self, source: Source) -> bool:
        if source.path is not None and source.is_dir:
            return (source.path / "learn_error.tsv").is_file()
        return source.path is not None and bool(_FILE.fullmatch(source.path.name)) and source.text_head.startswith("iter\t")

    def rows(self, source: Source) -> Iterator[Row]:
        path = source.path or Path()
        folder = path if source.is_dir else path.parent
        for split in ("learn", "test"):
            file = Source(folder / f"{split}_error.tsv", columns=source.columns)
            table = _table(file) if file.path and file.path.is_file() else None
            if table:
                yield from blocks(file, table, [name if name == "iter" else f"{split}/{name}" for name in table.names])


class CatboostJson(Reader):
    """CatBoost's ``catboost_training.json``: the metrics of each set by iteration."""

    priority: ClassVar[int] = 60

    def sniff(self, source: Source) -> bool:
        return '"learn_metrics"' in source.text_head and '"iterations"' in source.text_head

    def rows(self, source: Source) -> Iterator[Row]:
        text = source.document()
        names = {
            kind: re.findall(r'"name"\s*:\s*"([^"]+)"', listed[1])
            for kind in ("learn", "test")
            if (listed := re.search(rf'"{kind}_metrics"\s*:\s*\[(.*?)\]', text, re.S))
        }
        for record in re.finditer(r'\{[^{}]*"iteration"\s*:\s*(\d+)[^{}]*\}', text):
            row: dict[str, Any] = {"iteration": int(record[1])}
            for kind, found in names.items():
                if numbers := re.search(rf'"{kind}"\s*:\s*\[([^\]]*)\]', record[0]):
                    row.update((f"{kind}/{name}", value.strip()) for name, value in zip(found, numbers[1].split(","), strict=False))
            yield row


def _table(source: Source) -> Dialect | None:
    return dialect(source.text_head) if source.is_text else None


def _name(found: str) -> str:
    """XGBoost's ``validation_0`` is by custom the training set, LightGBM's ``valid_0`` the first to validate on."""
    found = re.sub(r"^validation_0-", "train-", found)
    found = re.sub(r"^validation_\d+-", "valid-", found)
    found = re.sub(r"^(?:valid_?\d*|cv_agg)(?:'s (?:valid )?| )", "valid ", found)
    found = re.sub(r"^(\w+)'s ", r"\1 ", found)  # a set by the name that the script gave it
    found = re.sub(r"^(?:valid train|training) ", "train ", found)
    return {"learn": "learn loss", "test": "test loss"}.get(found, re.sub(r"\bl2\b", "mse", re.sub(r"\bl1\b", "mae", found)))
