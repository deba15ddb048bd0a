"""A submission that was accepted with rows held back."""

from __future__ import annotations

import pytest

from pipelines import validate
from tests.receive.conftest import DECLARATION, Area, area, everything  # noqa: F401

NAME = "north_trust/csds/2026-03/1"
# R2 is dated before its patient was born: held, and its contact with it. R3 repeats a key. R4 has no date.
REFERRALS = """ServiceRequestID,LocalPatientID,ReferralRequest_ReceivedDate
R1,P1,2025-11-03
R2,P1,2015-02-01
R1,P2,2025-11-04
R4,P2,
"""


@pytest.fixture
def held(area: Area) -> Area:  # noqa: F811
    """A submission that was accepted with four rows held."""
    texts = [
        "LocalPatientID,OrgID_LocalPatientID,NHSNumber,DateOfBirth,Postcode,Gender\n"
        "P1,RQN,9990000018,2015-03-09,ZZ1 1AA,2\nP2,RQN,,2012-10-30,ZZ1 1AB,1\n",
        REFERRALS,
        "ServiceRequestID,TeamID_Local,TeamType\nR1,T1,15\nR2,T1,15\n",
        "CareContactID,ServiceRequestID,Contact_Date,CareContact_Duration\nC1,R1,2026-01-12,30\nC2,R2,2026-01-13,\n",
    ]
    area.receive(area.send("north_trust", "csds", *texts, declaration=DECLARATION))
    assert validate.validate(area.settings, area.registry, area.connection, NAME).state == "success"
    assert validate.accept(area.settings, area.registry, area.connection, NAME).state == "success"
    return area
