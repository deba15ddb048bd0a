-- Grain: a team of the trust.
SELECT row_number() OVER (ORDER BY team) AS _row, 'MH' || team || getvariable('ods_code') AS "CareProfTeamLocalID",
    getvariable('ods_code') AS "OrgIDCareProfTeamLocalID", team AS "ServTeamTypeMH", '02' AS "ServTeamIntAgeGroup"
FROM (SELECT DISTINCT team FROM world.mental_referral)
