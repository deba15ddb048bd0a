-- Grain: one episode of need.
SELECT
    episode.number AS _row, child.number AS _parent, child.person AS _person,
    episode.referred_on::VARCHAR AS "CINreferralDate", episode.asked_by AS "ReferralSource", episode.need AS "PrimaryNeedCode",
    episode.closed_on::VARCHAR AS "CINclosureDate", episode.closure AS "ReasonForClosure",
    episode.conference_on::VARCHAR AS "DateOfInitialCPC", NULL::VARCHAR AS "+cin_assessment", NULL::VARCHAR AS "+cin_plan",
    NULL::VARCHAR AS "+section47", '0' AS "ReferralNFA", NULL::VARCHAR AS "+child_protection_plan"
FROM episode_now AS episode JOIN child_now AS child USING (person)
