"""Every check's own examples, and that what a check says can be read."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from lossdoctor.core import discover
from lossdoctor.core.check import Check
from lossdoctor.core.families import FAMILIES

CHECKS = discover.checks()


def cases(kind: str) -> list[Any]:
    return [pytest.param(check, example, id=f"{check.code}-{n}") for check in CHECKS for n, example in enumerate(getattr(check, kind))]


@pytest.mark.parametrize(("check", "example"), cases("sick"))
def test_the_sick_example_is_found(check: Check, example: dict[str, Any]) -> None:
    finding = check.examine(**example)
    assert finding is not None
    assert (finding.code, finding.name, finding.family) == (check.code, check.name, check.family)
    assert 0.2 <= finding.confidence <= 1
    assert json.loads(json.dumps(dict(finding.evidence), allow_nan=False)) == dict(finding.evidence)
    assert finding.step is None or math.isfinite(finding.step)


@pytest.mark.parametrize(("check", "example"), cases("healthy"))
def test_the_healthy_example_passes(check: Check, example: dict[str, Any]) -> None:
    assert check.examine(**example) is None


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_each_check_is_documented_where_it_belongs(check: Check) -> None:
    assert check.code.startswith(FAMILIES[check.family])
    assert check.title().endswith(".")
    assert {"Why it matters", "How it is detected", "What to do"} <= set(check.sections())
    assert check.sick


def test_codes_are_used_once() -> None:
    codes = [check.code for check in CHECKS]
    assert len(codes) == len(set(codes)) >= 16
    assert {code for check in CHECKS for code in check.requires} <= set(codes)
