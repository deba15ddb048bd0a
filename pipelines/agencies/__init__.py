"""Who sends. One YAML per agency: its group, what it sends, under which agreement, and when to worry.

A new agency is one new file here and no code.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipelines.agencies.routes import FolderRoute, MeshRoute, Route, S3Route, Secret, SftpRoute
from pipelines.contracts import Strict

__all__ = ["Agency", "Agreement", "FolderRoute", "MeshRoute", "Route", "S3Route", "Secret", "SftpRoute"]


class Agreement(Strict):
    """What allows one dataset to flow for one purpose, and until when; `receive` refuses what none covers."""

    dataset: str
    purpose: str
    controllers: tuple[str, ...] = Field(min_length=1)
    lawful_basis: str
    # Why the duty of confidence is met: consent, legal requirement, section 251, or not confidential.
    confidentiality: Literal["not_applicable", "legal_requirement", "consent", "section_251"]
    cag_ref: str | None = None
    cag_expires: date | None = None
    # Whether the health partner must have applied the national data opt-out before sealing: where confidentiality rests
    # on section 251, unless the advisory group's letter exempts the flow; its reference is then the exemption.
    opt_out_applies: bool = False
    opt_out_exemption: str | None = None
    # How old the partner's look-up of opt-outs may be when it seals; a patient's choice counts within 21 days.
    opt_out_max_age_days: int = Field(default=21, ge=0)
    reference: str
    starts: date
    expires: date

    @model_validator(mode="after")
    def _basis_holds_together(self) -> Agreement:
        if len(set(self.controllers)) < len(self.controllers):
            raise ValueError("a controller is named once; a name with a comma stands in quotes")
        supported = self.confidentiality == "section_251"
        if supported != (self.cag_ref is not None and self.cag_expires is not None):
            raise ValueError("section_251 goes with cag_ref and cag_expires, and they with nothing else")
        if self.opt_out_applies and (not supported or self.opt_out_exemption):
            raise ValueError("opt-outs apply under section_251 only, and not where the flow is exempt")
        if supported and not self.opt_out_applies and not self.opt_out_exemption:
            raise ValueError("under section_251 opt-outs apply, unless opt_out_exemption names the letter")
        return self


class Agency(Strict):
    """One sender. `code` is its name everywhere: in landing folders, the ledger and the warehouse."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")
    name: str
    group: Literal["education", "social_care", "health", "planning"]
    la_code: str | None = None
    ods_code: str | None = None
    contact: str
    # How deliveries come; without a word they are laid into the landing place itself.
    route: Annotated[Route, Field(discriminator="kind")] = FolderRoute()
    datasets: tuple[str, ...] = Field(min_length=1)
    agreements: tuple[Agreement, ...]
    # rule code -> the share of rows that must pass; optionally per environment: {demo: {SEN2-014: 0.9}}.
    tolerances: dict[str, float | dict[str, float]] = {}

    @model_validator(mode="after")
    def _opt_outs_are_of_health(self) -> Agency:
        if self.group != "health" and any(agreement.opt_out_applies for agreement in self.agreements):
            raise ValueError("the national data opt-out covers health, not education or children's social care")
        return self

    def agreement(self, dataset: str, day: date) -> Agreement | None:
        """The agreement in force on a day; of several, the one that lasts longest."""
        in_force = [a for a in self.agreements if a.dataset == dataset and a.starts <= day <= a.expires]
        return max(in_force, key=lambda a: a.expires, default=None)

    def tolerance(self, rule: str, environment: str) -> float | None:
        """The share of rows that must pass `rule` here, or None where the suite's own word stands."""
        by_environment = self.tolerances.get(environment)
        if isinstance(by_environment, dict) and rule in by_environment:
            return by_environment[rule]
        plain = self.tolerances.get(rule)
        return plain if isinstance(plain, float) else None
