"""Sharing agreements that cannot be are refused when they are loaded; of those in force the longest counts."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.agencies import Agency

SUPPORT = {"confidentiality": "section_251", "cag_ref": "20/CAG/0001", "cag_expires": date(2030, 3, 31)}
PLAIN = {"confidentiality": "legal_requirement"}


def _agency(*agreements: dict[str, Any], group: str = "health") -> Agency:
    common = {"dataset": "d", "purpose": "p", "controllers": ["c"], "lawful_basis": "l", "reference": "r"}
    dates = {"starts": date(2025, 1, 1), "expires": date(2030, 1, 1)}
    return Agency.model_validate(
        {"code": "north", "name": "North", "group": group, "contact": "c", "datasets": ["d"]}
        | {"agreements": [common | dates | given for given in agreements]}
    )


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (PLAIN | {"controllers": ["A Council", "education", "A Council"]}, "stands in quotes"),
        (SUPPORT, "unless opt_out_exemption"),
        (SUPPORT | {"cag_ref": None, "opt_out_applies": True}, "goes with cag_ref"),
        (SUPPORT | {"cag_expires": None, "opt_out_applies": True}, "goes with cag_ref"),
        (PLAIN | {"cag_ref": "20/CAG/0001", "cag_expires": date(2030, 3, 31)}, "with nothing else"),
        (PLAIN | {"opt_out_applies": True}, "under section_251 only"),
        ({"confidentiality": "consent", "opt_out_applies": True}, "under section_251 only"),
        (SUPPORT | {"opt_out_applies": True, "opt_out_exemption": "letter of 1 May"}, "not where the flow is exempt"),
    ],
)
def test_a_basis_that_does_not_hold_together(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        _agency(given)


@pytest.mark.parametrize("given", [SUPPORT | {"opt_out_applies": True}, SUPPORT | {"opt_out_exemption": "l"}, PLAIN])
def test_a_basis_that_does(given: dict[str, Any]) -> None:
    assert _agency(given).agreements[0].confidentiality == given["confidentiality"]


def test_the_opt_out_is_of_health_alone() -> None:
    with pytest.raises(ValidationError, match="covers health"):
        _agency(SUPPORT | {"opt_out_applies": True}, group="social_care")


def test_of_several_in_force_the_one_that_lasts_longest() -> None:
    agency = _agency(PLAIN | {"reference": "short", "expires": date(2026, 1, 1)}, PLAIN | {"reference": "long"})
    assert [a.reference for a in (agency.agreement("d", date(2025, 6, 1)),) if a] == ["long"]
    assert agency.agreement("d", date(2024, 12, 31)) is None
    assert agency.agreement("other", date(2025, 6, 1)) is None
