"""The rules that every check, fix, signal and reader keeps, so that a new file is held to them without a new test."""

from __future__ import annotations

import inspect
import math
import re
import typing

import pytest

from lossdoctor.catalogue import catalogue, find
from lossdoctor.core import discover
from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.errors import UsageError
from lossdoctor.core.families import FAMILIES
from lossdoctor.core.fix import Fix
from lossdoctor.core.reader import Reader
from lossdoctor.core.signals import needs

CHECKS, FIXES, READERS = discover.checks(), discover.fixes(), discover.readers()
CODES = {check.code for check in CHECKS}
EXAMPLES = [
    pytest.param(check, example, ill, id=f"{check.code}-{'sick' if ill else 'healthy'}-{place}")
    for check in CHECKS
    for ill, examples in ((True, check.sick), (False, check.healthy))
    for place, example in enumerate(examples)
]


def codes(units: typing.Iterable[Check | Fix]) -> typing.Any:
    return pytest.mark.parametrize("unit", units, ids=lambda unit: unit.code)


def test_no_code_and_no_name_is_used_twice() -> None:
    units = (*CHECKS, *FIXES)
    assert len({unit.code for unit in units}) == len(units)
    assert len({unit.name for unit in CHECKS}) == len(CHECKS)
    assert len({unit.name for unit in FIXES}) == len(FIXES)
    assert len({reader.name for reader in READERS}) == len(READERS)


@codes((*CHECKS, *FIXES))
def test_a_code_is_the_prefix_of_its_family_and_a_number(unit: Check | Fix) -> None:
    assert unit.family in FAMILIES, f"{type(unit).__name__} lies in no family's folder"
    prefix = ("F" if isinstance(unit, Fix) else "") + FAMILIES[unit.family]
    assert re.fullmatch(rf"{prefix}\d{{{2 if isinstance(unit, Fix) else 3}}}", unit.code)


@codes((*CHECKS, *FIXES))
def test_the_documentation_has_a_title_and_its_sections(unit: Check | Fix) -> None:
    sections = ["Why it helps", "In your code"] if isinstance(unit, Fix) else ["Why it matters", "How it is detected", "What to do"]
    assert unit.title().endswith(".")
    assert list(unit.sections()) == sections
    assert all(unit.sections().values())


@codes(CHECKS)
def test_a_check_says_how_bad_its_finding_is(unit: Check) -> None:
    assert isinstance(unit.severity, Severity)
    assert unit.code not in unit.requires
    assert unit.requires <= CODES, f"{unit.code} requires unknown codes"


@codes(CHECKS)
def test_a_threshold_says_what_it_means(unit: Check) -> None:
    for name, threshold in find(unit.code)["thresholds"].items():
        assert threshold["meaning"], f"{unit.code}.{name} has no comment with its unit and source"


@codes(CHECKS)
def test_a_check_has_examples_of_both_kinds(unit: Check) -> None:
    assert unit.sick
    always = "None" not in str(inspect.signature(unit.examine).return_annotation)  # the absence of a signal is its only way to pass
    assert unit.healthy or always


@pytest.mark.parametrize(("check", "example", "ill"), EXAMPLES)
def test_an_example_is_found_or_not_as_it_should(check: Check, example: dict[str, typing.Any], ill: bool) -> None:
    wanted = needs(check.examine)
    assert set(example) <= {need.name for need in wanted}, "the example names a signal that the check does not ask for"
    finding = check.examine(**{need.name: example.get(need.name) for need in wanted})
    assert (finding is not None) == ill
    if finding:
        assert (finding.code, finding.name, finding.family) == (check.code, check.name, check.family)
        assert 0.2 <= finding.confidence <= 1
        assert finding.message.endswith((".", "?"))
        assert finding.step is None or math.isfinite(finding.step)
        assert is_json(finding.evidence)


def is_json(value: object) -> bool:
    """Whether a value is made of what JSON knows; numpy's scalars, NaN and infinity are not."""
    if isinstance(value, typing.Mapping):
        return all(type(key) is str and is_json(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(is_json, value))
    return type(value) in (str, int, bool, type(None)) or (type(value) is float and math.isfinite(value))


@codes(FIXES)
def test_a_fix_cures_what_exists(unit: Fix) -> None:
    assert unit.cures <= CODES, f"{unit.code} cures unknown codes {sorted(unit.cures - CODES)}"
    assert unit.cost >= 1


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_a_reader_says_what_it_reads(reader: Reader) -> None:
    assert reader.title().endswith(".")


@pytest.mark.parametrize("signal", discover.signals().functions.values(), ids=lambda signal: signal.__name__)
def test_a_signal_says_what_it_is_and_why_it_can_be_absent(signal: typing.Callable[..., object]) -> None:
    document = inspect.getdoc(signal) or ""
    assert document.split("\n", 1)[0].endswith(".")
    if "None" in str(inspect.signature(signal).return_annotation):
        assert re.search(r"^Absent: \w", document, re.M), f"{signal.__name__} can be None and has no line 'Absent: ...'"


def test_signals_ask_for_signals_that_exist() -> None:
    known = set(discover.signals().functions) | {"run", "workload"}
    for name, signal in discover.signals().functions.items():
        assert {need.name for need in needs(signal)} <= known, name
        assert discover.signals().inputs(name) <= {"run", "workload"}


def test_every_signal_is_asked_for() -> None:
    asking = [*(check.examine for check in CHECKS), *discover.signals().functions.values()]
    assert set(discover.signals().functions) <= {need.name for function in asking for need in needs(function)}


def test_a_check_that_asks_for_an_unknown_signal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Misspelt(Check):
        """Asks for a signal with a slip in its name."""

        code, severity = "LR998", Severity.INFO

        def examine(self, trian_loss: float) -> Finding | None:
            return None

    monkeypatch.setattr(discover, "units", lambda *_: (Misspelt(),))
    with pytest.raises(TypeError, match="trian_loss"):
        discover.checks.__wrapped__()


def test_the_catalogue_inverts_cures() -> None:
    cured = {(check["code"], fix["code"]) for check in catalogue()["checks"] for fix in check["cured_by"]}
    assert cured == {(code, fix.code) for fix in FIXES for code in fix.cures}


def test_the_example_of_an_entry_is_the_source_of_the_first() -> None:
    for check in CHECKS:
        written = find(check.code)["example"]  # empty where the examples are not written out
        assert set(written) in (set(), {name for name, value in check.sick[0].items() if value is not None}), check.code
    assert find("LR001")["example"]["verdict"] == "verdict('diverging')"


def test_an_unknown_entry_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'LR001'"):
        find("LR0001")
