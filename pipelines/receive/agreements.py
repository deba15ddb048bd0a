"""No data without a current agreement: which one covers a delivery today, and what it asks of the declaration."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from pipelines.agencies import Agency, Agreement
from pipelines.extract.faults import fault

WARN_BEFORE = timedelta(days=60)


def covering(agency: Agency, manifest: dict[str, Any], today: date) -> Agreement:
    """The agreement under which a delivery may be taken; of several, the one that lasts longest.

    Raises DataFault `FILE-026` (none in force), `FILE-027` (support of the confidentiality advisory group ended or
    another one declared) or `FILE-028` (the national data opt-out not shown to be applied).
    """
    dataset, declaration = manifest["dataset"], manifest["declaration"]
    agreement = agency.agreement(dataset, today)
    if agreement is None:
        raise fault("FILE-026", dataset=dataset, agency=agency.code)
    if declaration["cag_ref"] != agreement.cag_ref or not _support_lasts(agreement, declaration, today):
        raise fault("FILE-027", dataset=dataset, reference=agreement.reference)
    if not _opt_out_is_shown(agreement, declaration, manifest["sealed_at"]):
        raise fault(
            "FILE-028",
            reference=agreement.reference,
            basis=agreement.confidentiality,
            days=agreement.opt_out_max_age_days,
        )
    return agreement


def ending(agency: Agency, dataset: str, today: date) -> list[str]:
    """What of a dataset's agreements ends within 60 days, as subjects of the alert `agreement_ending`."""
    horizon = today + WARN_BEFORE
    agreements = [a for a in agency.agreements if a.dataset == dataset]
    found = []
    for agreement in agreements:
        if agreement.expires <= horizon and not any(a.expires > horizon for a in agreements):
            found.append(f"{agency.code}/{dataset} {agreement.reference} ends {agreement.expires}")
        if agreement.cag_expires and agreement.cag_expires <= horizon:
            found.append(f"{agency.code}/{dataset} {agreement.cag_ref} ends {agreement.cag_expires}")
    return found


def _support_lasts(agreement: Agreement, declaration: dict[str, Any], today: date) -> bool:
    """Whether the advisory group's support has not ended, by the agreement and by what the sender declares."""
    if agreement.cag_expires is None:
        return True
    declared = _day(declaration["cag_expires"])
    return agreement.cag_expires >= today and declared is not None and declared >= today


def _opt_out_is_shown(agreement: Agreement, declaration: dict[str, Any], sealed_at: str) -> bool:
    """Whether the basis is the agreement's and, where opt-outs apply, they were counted shortly before sealing.

    Only the sender can look them up, and looks on the day of the extract; the age is therefore counted at sealing, not
    at arrival.
    """
    if declaration["basis"] != agreement.confidentiality:
        return False
    if not agreement.opt_out_applies:
        return True
    checked, sealed = _day(declaration["ndoo_checked_at"]), _day(sealed_at)
    return (
        declaration["ndoo_applied"] is True
        and declaration["opted_out_count"] is not None
        and checked is not None
        and sealed is not None
        # A day of grace backwards: the two clocks may stand in different time zones.
        and timedelta(days=-1) <= sealed - checked <= timedelta(days=agreement.opt_out_max_age_days)
    )


def _day(text: str | None) -> date | None:
    """The day of an ISO date or time, or None."""
    try:
        return datetime.fromisoformat(text).date() if text else None
    except ValueError:
        return None
