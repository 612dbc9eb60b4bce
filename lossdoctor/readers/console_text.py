"""What training scripts print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

from lossdoctor.core import names
from lossdoctor.core.reader import Block, Reader, Row, Source
from lossdoctor.core.text import uncoloured

_WORD = r"(?!(?:nan|inf) ?[(,])[^\W\d_][\w@./\-]{0,80}|_\w{1,80}"  # nan (nan) is a meter that has blown up
_NUMBER = r"[+-]?(?:\d{1,3}(?:,\d{3})+(?!,?\d)|\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|inf(?:inity)?)(?!\w)"
_PAIR = re.compile(
    rf"(?<![\w@./])(?P<name>(?:{_WORD})(?:[ ](?:{_WORD})){{0,3}})"
    rf"(?P<mark>['\"]?[ ]?\)?[ \t]*[:=|]+>?[ ]*|[ ]-[ ]+|\s+|(?=\[))(?:tensor\(|[\[('\"])*[ ]*"
    rf"(?P<number>{_NUMBER})(?P<unit>[ ]?ms\b|[ ]?s\b)?(?:[ ]*/[ ]*(?P<of>\d+(?:\.\d+)?))?",
    re.I,
)
_PROGRESS = re.compile(r"\[\s*(?P<at>\d+)\s*/\s*(?P<of>\d+)[\] ]|(?<![\w.])(?P<at2>\d{1,12})/(?P<of2>\d+)\s*(?:\[|[━╸]+)")
_BAR = re.compile(r"(?<!\d)\d{1,12}\s*/\s*(\d{1,12})\s*(?:\[[=>.\s]+\]|[━╸]+)")
_TOTAL = re.compile(r"\d/(\d{1,12})\s*(?:\[[=>.\s]+\]|[━╸]+)|\|\s*\d+/(\d{1,12}) \[|^\s*\[[=>.]+\].*?\d/(\d{1,12})\s*$")
_RANK = re.compile(r"\[(?:rank|default)?(\d+)\]: ?")  # torchrun's, before each line of a process
_RANK_BEHIND = re.compile(r" rank[ :=](\d+)\s*$")  # WeNet's
_DONE = re.compile(r"(?<!\d)(\d{1,12})\s*/\s*\1(?!\d)")
_INITIALS = "".join({word[0] for word in names.SPLIT})
_SPLIT = re.compile(rf"(?<![\w/.\\-])(?=[{_INITIALS}])({'|'.join(sorted(names.SPLIT, key=len, reverse=True))})(?![\w/.\\])", re.I)
_BOXED = re.compile(r"\|\s*(\S[^|]*?)\s*\|\s*([^|]*?)\s*\|\s*$")
_DIGIT = re.compile(r"(?<![a-z])\d|nan|inf", re.I)
_CELLS = re.compile(r"[^\s|]+")
_BAR_AFTER = re.compile(r"(?<=\d): +\d+%\|.*")  # of tqdm, after the cells of a row
_OF_ALL = re.compile(r"(?<=\d)/\d+$")  # an epoch of 43/99
_STAGES = re.compile(r"\[\s*(\d+)\s*/\s*\d+\]\s*\[\s*(\d+)\s*/")
_STEMS = {"train": "train", "valid": "val", "val": "val", "eval": "eval", "test": "test"}
_MESSAGE = re.compile(
    r"\W*(train|valid|val|eval|test)(?:ing|ation|ating|uat\w+)?(?:\b.*(?:\.\.\.|…)|(?: (?:results?|performance|metrics|phase|mode))?\W*)$",
    re.I,
)
_PASS = re.compile(r"\s*(?:valid\w*|val|eval\w*|test\w*)\b:?[^\[\]]{0,20}\[ *\d+ */ *\d+\]", re.I)
_STARRED = re.compile(r" \* +[^\W\d]")
_COUNTED = re.compile(r"\s*(\d{1,12}) ?/ ?\d{1,12} (?!- )")  # 51000 / 1000000 loss 0.5
_PAIRED = re.compile(r"^\W*\[\s*(\d+)\s*,\s*(\d+)\s*\]")
_STAGED = re.compile(r"\b(?:train|training|val|valid|validation|test|eval):? +(\d+) +\[ *\d+ */", re.I)
_OF_SPLIT = re.compile(r"\b(?!iter\()(\w{1,40}) ?\((train|val|valid|validation|test)\)", re.I)  # mmengine's Epoch(val); Loss (train)
_BOTH = re.compile(r"train(?:ing)?/(val\w*|test)\b", re.I)  # train/val loss: 0.5/0.6
# Accuracy (%): 87.5; f1-score (micro avg)  0.9; of Loss (D) the name is D Loss
_QUALIFIED = re.compile(r"([^\W\d_][\w\-]{0,40}) ?\((%|[^\W\d_][\w \-]{0,20})\)(?=\s{0,3}[:=]\s{0,3}[-+.\d]|\s{2,3}[-+.\d])")
_UNITS = frozenset({"ms", "s", "sec", "secs", "second", "seconds", "min", "mins", "h", "hours", "gb", "mb"})
_COUNTER = r"((?:global[ _]|training[ _])?(?:epoch|iteration|iter|step|batch|update|episode)s?)"
# Cost after iteration 100: 0.5; Loss at step 100 is 0.5; Loss after 100 iterations: 0.5
_SAYING = r"(?<![\w./\-])([^\W\d][\w\-]{0,40}(?: [^\W\d][\w\-]{0,40}){0,3}) (?:after|at|in|for)"
_AFTER = re.compile(
    rf"{_SAYING} (?:{_COUNTER} (\d+)|(\d+) {_COUNTER})(?:/\d+)?\)?(?: ?[:=]| is| was){{1,2}} ?(?={_NUMBER})",
    re.I,
)
_IS = re.compile(rf" (?:is|was) ?[:=]? ?(?=[\[(]?(?:{_NUMBER}))", re.I)
_HASH = re.compile(r"\b(epoch|iteration|iter|step|episode) ?#(?=\d)", re.I)
_BEHIND = re.compile(r"(?<![\w./])(?:\d+-)?(\d+)(epoch|batch)(?=[: ])")  # ESPnet's 15epoch:train:751-1125batch: loss=0.5
_BRACKETED = re.compile(r"\] \[(\d+)\] (?=[^\W\d]\w*=)")  # clu's logging_writer.py:48] [2000] loss=0.5
_ORDINAL = re.compile(r"第\s{0,3}(\d+)\s{0,3}(?:/\s{0,3}\d+\s{0,3})?(?:个|個)?(轮|epoch|エポック|回合|步)", re.I)
_MEAN = re.compile(rf"(?:{_NUMBER})\s*\(\s*({_NUMBER})\s*\)", re.I)
_COLUMNS = re.compile(r"\b(train\w*)\s*\|\s*(val\w*|test)\s*$", re.I)  # AllenNLP's table of each epoch: Training | Validation
_TWO_CELLS = re.compile(rf"(?<![\w./\-])([\w./\-]{{1,80}})\s*\|\s*({_NUMBER}|N/A)\s*\|\s*({_NUMBER}|N/A)\s*$", re.I)
_NAME = r"[^\W\d][\w./\-]{0,80}"
_LIST = re.compile(rf"(?<![\w./\-])({_NAME}(?: {_NAME})?)['\"]?\s{{0,3}}[:=]?\s{{0,3}}(?:\w{{1,20}}\()?\[([^\[\]]{{5,}})\]")
_NUMPY = re.compile(r"(?:np\.float\d+|tensor|array)\(([^()]*)\)")
# 3,500 may be thousands
_COMMA = re.compile(r"(?<![\w./\-])([\w./\-]{1,80})['\"]?\s{0,3}[:=]\s{0,3}-?(?:0,\d+|\d+,\d{1,2}|\d+,\d{4,})(?!\d|,\d)")
_INSIDE = re.compile(r"(?<=\d),(?=\d)")
_POINT = re.compile(r"[:=]\s{0,3}-?\d+\.\d")
_SUMMARY = re.compile(r"(?:Averaged stats|[Bb]est[ _]metric)")  # says again what was said
_RL_SCORE = re.compile(r"(?:(?:avg|average|mean|total|current)[ _])?scores?", re.I)
_TIMES = frozenset({"time", "step_time", "data_time"})
_CLOCKS = _TIMES | set(names.AXES)
_AXES = {"E": "epoch", "#": "step"}  # spaCy's
_F1 = re.compile("_F$")
_PROSE = frozenset(
    {"over", "this", "per", "of", "to", "in", "on", "at", "by", "from", "with", "for", "is", "was", "the", "a", "and", "or", "than"}
)
# what programs print in words of their own: TensorFlow's estimators have evaluated; DL4J; Marian; nnU-Net on validation cases
_SAID = {"Saving dict for": "eval", "Score at iteration": "Loss at iteration", " : Up. ": " : step ", " : L.r. ": " : lr "}
_SAID |= {"Pseudo dice": "val dice", "Average global foreground Dice": "val dice", "EMA pseudo Dice": "ema"}
MOST = 4000  # characters of a line that are looked at
LONG_HEADING = 3  # words: "building dev inputs once:" is a message


class ConsoleText(Reader):
    """Printed logs: ``name: 1.0``, ``name=1.0`` and ``name 1.0``, Keras and tqdm bars, tables of names over numbers."""

    priority: ClassVar[int] = 0

    def sniff(self, source: Source) -> bool:
        return source.is_text

    def rows(self, source: Source) -> Iterator[Row]:
        header, heading = Header(), Heading()
        box: dict[str, Any] = {}
        bars, printed = Bars(), Printed()
        passing: dict[str, Any] = {}  # the mean so far of a pass over validation batches, of which the last is the measurement
        last: dict[str, Any] = {}  # which another handler, or process, may have said again
        split = rank = ""
        for raw in _pointed(source.lines()):
            line = _plain(raw[:MOST])
            if ranked := _RANK.match(line) or _RANK_BEHIND.search(line):
                line = line[: ranked.start()] + line[ranked.end() :]
                if rank and ranked[1] != rank:
                    continue  # all processes of a job tell of one training
            if boxed := _BOXED.match(line):
                if boxed[2]:
                    box[boxed[1]] = names.number(boxed[2])
                continue  # all lines of a box are one row
            yield from [box] * bool(box)
            box = {}
            heading.take(line)
            if (taken := printed.take(line, raw, heading.word)) is not None:
                yield from taken
                continue
            if not _DIGIT.search(line):
                header.take(line)
                continue
            row = header.cells(line)
            if not row:
                line = _spelled(line)
                marks = _marks(line, split if _is_starred(line) else heading.word)
                split = marks[-1][1] if marks else split
                row = pairs(line, marks)
                row = pairs(line, _marks(line, "")) if heading.ends(row) else row
            if row and bars.shows(line, row) and not (row == last and _axes(row)):
                last = row
                rank = rank or (ranked[1] if ranked else "")
                printed.told = printed.told or any(_metric(name) not in _CLOCKS for name in row)
                within = _PASS.match(line) is not None
                yield from [passing] * bool(passing and not within)
                passing = row if within else {}
                yield from [row] * (not within)
        yield from [box] * bool(box)
        yield from [passing] * bool(passing)
        yield from printed.rows()


def _plain(line: str) -> str:
    """The line without colours, its table drawn with plain bars, in the words of most programs."""
    line = uncoloured(line)
    line = line if line.isascii() else line.replace("│", "|").replace("┃", "|")
    for said, meant in _SAID.items():
        line = line.replace(said, meant) if said in line else line
    return line


def _spelled(line: str) -> str:
    """The line with names before numbers: ``Cost after iteration 100: 0.5`` says ``iteration 100 Cost: 0.5``."""
    if "(" in line:
        line = _OF_SPLIT.sub(r"\2 \1", line)
        line = _QUALIFIED.sub(_unbracketed, line)
    if " is" in line or " was" in line:
        line = _IS.sub(": ", line)
    if any(word in line for word in (" after ", " at ", " in ", " for ")):
        line = _AFTER.sub(_counted, line)
    if "] [" in line:
        line = _BRACKETED.sub(r"] step \1 ", line)
    if "#" in line:
        line = _HASH.sub(r"\1 ", line)
    if "epoch" in line:
        line = _BEHIND.sub(r" \2 \1 ", line)
    return _ORDINAL.sub(r"\2 \1", line) if "第" in line else line


def _unbracketed(match: re.Match[str]) -> str:
    """A name with what stands in brackets after it before it, if that is no unit and no other metric (``Loss (MSE)``)."""
    name, said = match.groups()
    if said == "%":
        return name
    return match[0] if said.lower() in _UNITS or _metric(said) else f"{said} {name}"


def _counted(match: re.Match[str]) -> str:
    """When it was measured, and what: in the order of other logs."""
    name, counter, at, at2, counter2 = match.groups()
    return f"{counter or counter2.rstrip('s')} {at or at2} {name}: " if _metric(name) else match[0]


def _pointed(lines: Iterator[str]) -> Iterator[str]:
    """The lines with decimal points, where a log has decimal commas; thousands have no commas there."""
    comma = False
    for line in lines:
        if "," in line:
            comma = comma or any(_metric(match[1]) for match in _COMMA.finditer(line[:MOST]))
            yield _INSIDE.sub(".", line) if comma and not _POINT.search(line) else line
        else:
            yield line


def _is_starred(line: str) -> bool:
    """Whether the line sums up those before: `` * Acc@1 76.1 Acc@5 92.9`` of the ImageNet example."""
    return line.lstrip().startswith("*") or (" * " in line and bool(_STARRED.search(line)))


class Heading:
    """The split that the lines below a heading are of: ``Test Error:``, ``--- validation ---``, ``Evaluating on dev ...``, ``> EVAL``.

    It holds until a blank line or one that tells its own split. One of many words, or without a colon or a rule, is weaker,
    as it may be a message: it ends with a row that is of another epoch or step than the row before it.
    """

    def __init__(self) -> None:
        self.word = ""
        self.weak = False
        self.said: dict[str, Any] = {}  # the latest of each name

    def take(self, line: str) -> None:
        text = line.strip()
        if not text:
            self.word = ""
        elif len(text) > 60:
            return
        elif text[-1] in ":-=*#" and (found := _SPLIT.search(line)):
            self.word, self.weak = found[1].lower(), len(_CELLS.findall(text)) > LONG_HEADING
        elif (message := _MESSAGE.match(text)) and not _DIGIT.search(text):
            self.word, self.weak = _STEMS[message[1].lower()], True

    def ends(self, row: dict[str, Any]) -> bool:
        """Whether a weak heading does not hold for this row."""
        moved = False
        if self.weak and self.word:
            before = _axes(self.said)
            moved = any(before.get(axis) != value for axis, value in _axes(row).items())
            self.word = "" if moved else self.word
        self.said.update(row)
        return moved


def _axes(row: dict[str, Any]) -> dict[str, Any]:
    """Where a row stands, by axis."""
    return {metric: value for name, value in row.items() if (metric := _metric(name)) in names.AXES}


class Header:
    """The names over the columns of a table, in one line or two."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.starts: dict[int, str] = {}  # where in the line a name begins
        self.above = ""  # the line before, if that has no number

    def take(self, line: str) -> None:
        """A line without a number: the header of what follows, its other half, a rule, or the table's end."""
        if line.strip("-|=+:_ \t"):
            self.names = _header(line) or _header(_joined(self.above, line))
            self.starts = {match.start(): match[0] for match in _CELLS.finditer(line) if match[0] in self.names}
            self.above = line

    def cells(self, line: str) -> dict[str, Any]:
        """The row that the line is under this header, if it is one."""
        self.above = ""
        if not self.names:
            return {}
        line = _BAR_AFTER.sub("", line)
        return _cells(line, self.names) or self._with_blanks(line)

    def _with_blanks(self, line: str) -> dict[str, Any]:
        """The row of a line that leaves columns blank, where each of its cells begins under a name."""
        cells = {match.start(): match[0] for match in _CELLS.finditer(line)}
        if "|" in line or len(self.starts) < len(self.names) or len(cells) < 2 or not cells.keys() <= self.starts.keys():
            return {}
        return _known({self.starts[at]: cell for at, cell in cells.items()})


class Bars:
    """Progress bars: of all the states of one, only the last is a measurement; a bar that starts over begins an epoch."""

    def __init__(self) -> None:
        self.at = self.epoch = self.total = 0
        self.told = False  # whether the log counts epochs itself

    def shows(self, line: str, row: dict[str, Any]) -> bool:
        """Whether the row of this line counts; adds to it where its bar stands."""
        if any(_metric(name) == "epoch" for name in row):
            self.told, self.total = True, 0
        if "/" not in line:
            return True  # no bar
        self._name_the_second(line, row)
        if _BAR.search(line):
            row.pop("iter", None)
            return bool(_DONE.search(line)) and "ETA" not in line
        if "it/s" in line or "s/it" in line:
            at = row.get("iter")
            if at is not None and not self.told:
                self.epoch += at < self.at
                self.at = at
                row["epoch"] = self.epoch
        return True

    def _name_the_second(self, line: str, row: dict[str, Any]) -> None:
        """A shorter bar after that of the training, with names of no split, is of a test: Keras's evaluate."""
        measured = [name for name in row if _metric(name) not in _CLOCKS]
        if not measured or not (bar := _TOTAL.search(line)):
            return
        total = int(bar[1] or bar[2] or bar[3])
        self.total = self.total or total
        if total < self.total and not any(word in names.SPLIT for name in row for word in names.words(name)):
            row.pop("iter", None)
            row.update({f"test {name}": row.pop(name) for name in measured})


class Printed:
    """Rows that stand in a line in other ways: ``loss | 0.5 | 0.6`` under Training | Validation, and whole series in lists.

    Lists printed when all is over, ``val losses: [2.4, 2.0, 1.7]``, are the series where the log has told no other. A list
    that is printed again and again holds the parts of one measurement.
    """

    def __init__(self) -> None:
        self.sides: tuple[str, ...] = ()
        self.lists: dict[str, list[float]] = {}
        self.held: list[Row] = []  # the same as measurements
        self.told = False

    def take(self, line: str, raw: str, heading: str) -> list[Row] | None:
        """The rows that the line gives now, which may be none yet; None where it is an ordinary line."""
        if "[" in line and line.count(",") > 1 and (lists := histories(uncoloured(raw))):
            return self._add(lists, pairs(line, _marks(line, heading)))
        if "|" not in line:
            return None
        self.sides = found.groups() if (found := _COLUMNS.search(line)) else self.sides
        cells = _TWO_CELLS.search(line) if self.sides else None
        if cells is None:
            return None
        self.told = True
        return [{f"{side} {cells[1]}": names.number(cell) for side, cell in zip(self.sides, cells.groups()[1:], strict=True)}]

    def _add(self, lists: dict[str, list[float]], row: Row) -> list[Row]:
        """Keep the lists of a line; the rows to yield at once, where they are no series."""
        self.held.append(row)
        self.told = self.told or bool(self.lists.keys() & lists)
        self.lists.update(lists)
        return self._flushed() if self.told else []

    def rows(self) -> Iterator[Row]:
        """What is left at the log's end."""
        if self.told:
            yield from self._flushed()
        elif self.lists:
            size = max(map(len, self.lists.values()))
            yield Block({name: values + [None] * (size - len(values)) for name, values in self.lists.items()})

    def _flushed(self) -> list[Row]:
        held, self.held = [row for row in self.held if row], []
        return held


def histories(line: str) -> dict[str, list[float]]:
    """The lists of three numbers or more in a line, by the names of series before them."""
    found: dict[str, list[float]] = {}
    for name, cells in _LIST.findall(_NUMPY.sub(r"\1", line)):
        numbers = [names.number(cell.strip()) for cell in cells.split(",")]
        if len(numbers) > 2 and not any(isinstance(cell, str) for cell in numbers):
            whole = name if _metric(name) else name.split(" ")[-1]
            if _metric(whole) and _metric(whole) not in _TIMES:
                found[whole] = numbers
    return found if any(_metric(name) not in _CLOCKS for name in found) else {}


Mark = tuple[int, str]  # where in a line a split is named, and the word


def _marks(line: str, default: str) -> list[Mark]:
    """The splits a line names, else ``default`` as if before its beginning, if there is one."""
    return [(match.start(), match[1].lower()) for match in _SPLIT.finditer(line)] or [(-1, default)] * bool(default)


def pairs(line: str, marks: list[Mark]) -> dict[str, Any]:
    """The named numbers in a line, by names that tell their split; empty where none is a measurement."""
    if "Namespace(" in line or _SUMMARY.search(line):
        return {}
    row: dict[str, Any] = {}
    progress = _PROGRESS.search(line) if "/" in line else None
    training = not marks or names.SPLIT[marks[0][1]] == "train"
    if progress and not training:
        line = _MEAN.sub(r"\1", line)  # of a pass over the validation batches the mean so far counts
    for match in _PAIR.finditer(line):
        name = _name(match["name"], explicit=bool(match["mark"].strip()))
        if "pisode" in line and _RL_SCORE.fullmatch(name):
            name = "reward"
        metric = _metric(name)
        value = _value(match, metric) if metric else None
        if value is None:
            continue
        if match["of"] and (both := _BOTH.match(match["name"])):
            row.update({f"train {name}": float(match["number"]), f"{both[1]} {name}": float(match["of"])})
            continue
        if marks and metric not in _CLOCKS and not any(word in names.SPLIT for word in names.words(name)):
            before = [word for at, word in marks if at < match.start() and not (metric == "reward" and names.SPLIT[word] == "train")]
            name = f"{before[-1]} {name}" if before else name
        row.setdefault(name, value)
    return _placed(row, line, progress, training) if row else row


def _value(match: re.Match[str], metric: str) -> float | None:
    """The number after a name: of ``9850/10000`` the share, of a time its seconds; None where it is no measurement of that name."""
    if metric in names.AXES and (match["unit"] or ("." in match["number"] and not match["mark"].strip())):
        return None
    value = float(match["number"].replace(",", ""))
    if metric == "step" and value % 1 and not match["name"].endswith("kimg"):
        return None  # seconds for this iteration: 0.5
    if match["of"] and metric not in names.AXES:
        value = value / float(match["of"]) if float(match["of"]) else value
    if metric in _TIMES:
        unit = match["unit"]
        return None if not unit else value / 1000 if "m" in unit else value
    return value


def _placed(row: dict[str, Any], line: str, progress: re.Match[str] | None, training: bool) -> dict[str, Any]:
    """The row with the epoch and the step that a line tells without a name: ``[1,  2000] loss: 2.1`` of PyTorch's tutorial."""
    if paired := _PAIRED.match(line):
        return {"epoch": float(paired[1]), "iter": float(paired[2])} | row
    if progress:
        _place(row, line, progress, training)
    elif training and (counted := _COUNTED.match(line)) and not any(_metric(name) in names.AXES for name in row):
        return {"iter": float(counted[1])} | row
    return row


def _place(row: dict[str, Any], line: str, progress: re.Match[str], training: bool) -> None:
    """Add the epoch and the step that stand in brackets: ``Train: [3/90][100/5005]``, ``Train: 3 [100/5005 (2%)]``."""
    known = {_metric(name) for name in row}
    stages, staged = _STAGES.search(line), _STAGED.search(line)
    at = stages[2] if stages else progress["at"] or progress["at2"]
    if epoch := stages or staged:
        row.update({} if "epoch" in known else {"epoch": float(epoch[1])})
    if training and "step" not in known:  # a bar over validation batches is no step of training
        row["iter"] = float(at)


@lru_cache(maxsize=65_536)
def _name(found: str, explicit: bool) -> str:
    """The name before a number: of several words all that say something, or all where a mark sets them apart."""
    parts = found.split(" ")
    if not explicit and parts[-1].lower() in _PROSE:
        return ""
    if explicit and _metric(parts[-1]) in names.AXES and any(_metric(part) not in ("", *names.AXES) for part in parts[:-1]):
        return " ".join(part for part in parts[:-1] if part.lower() not in _PROSE)  # mean loss over the epoch: 0.5
    keep = 1
    while keep < len(parts) and all(word in names.KNOWN for word in names.words(parts[-keep - 1])):
        keep += 1
    whole = " ".join(parts)
    if explicit and keep < len(parts) and len(parts) <= 3 and _metric(whole) and not _PROSE.intersection(parts):
        return whole
    return " ".join(parts[-keep:])


def _metric(name: str) -> str:
    role = names.recognise(name)
    return role.metric if role else ""


def _joined(above: str, line: str) -> str:
    """A header of two lines (MATLAB, Vowpal Wabbit) as one, if each has as many cells."""
    if "|" in line:
        upper, lower = _between_bars(above), _between_bars(line)
        mark = "|"
    else:
        upper, lower, mark = above.split(), line.split(), "  "
    if len(upper) != len(lower) or len(upper) < 3:
        return ""
    return mark.join(f"{a} {b}".strip() for a, b in zip(upper, lower, strict=True))


def _header(line: str) -> list[str]:
    """The column names of a table, if a line is its header: two or more that we know, an epoch or a step among them.

    They stand between bars, or two spaces apart, or are words.
    """
    apart = _between_bars(line) if "|" in line else re.split(r"\s{2,}|\t", line.strip())
    for cells in ([_AXES.get(cell.strip(), cell.strip()) for cell in apart], _CELLS.findall(line)):
        known = [_metric(cell) for cell in cells]
        if len(cells) <= 40 and set(known) & set(names.AXES) and sum(map(bool, known)) >= 2:
            return _spacy(cells) if cells[:2] == ["epoch", "step"] else [cell for cell in cells if cell != "cp"]
    return []


def _between_bars(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def _spacy(cells: list[str]) -> list[str]:
    """The columns of spaCy's table: what is no loss is a score on the development set, ENTS_F its F1."""
    return [cell if "LOSS" in cell or cell in names.AXES else f"val {_F1.sub(' f1', cell)}" for cell in cells]


def _cells(line: str, header: list[str]) -> dict[str, Any]:
    """The row of a table under ``header``; empty where the line has not as many cells, all but a few numbers."""
    cells = _between_bars(line) if "|" in line else line.split()
    if len(cells) != len(header):
        cells = [cell for cell in _CELLS.findall(line) if cell != "+"]  # skorch marks a checkpoint so
    if len(cells) != len(header):
        return {}
    return _known(dict(zip(header, cells, strict=True)))


def _known(cells: dict[str, str]) -> dict[str, Any]:
    """The cells that are numbers, by the names over them; empty where too few of those that are not blank are."""
    numbers = {name: names.number(_OF_ALL.sub("", cell).rstrip("%")) for name, cell in cells.items()}
    known = {name: value for name, value in numbers.items() if not isinstance(value, str)}
    return known if len(known) >= 0.6 * sum(map(bool, cells.values())) else {}
