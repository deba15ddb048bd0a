-- Grain: provider x service x profession x month, the last twelve months. Staff follow from the contacts of the service:
-- about forty a month for each whole-time equivalent.
WITH served AS (
    SELECT referral.team, count(*) AS contacts
    FROM (
        SELECT referral.team, referral.trust, contact.day FROM world.contact AS contact JOIN world.referral AS referral USING (referral)
        UNION ALL
        SELECT referral.team, referral.trust, contact.day
        FROM world.mental_contact AS contact JOIN world.mental_referral AS referral USING (referral)
    ) AS referral
    WHERE referral.trust = getvariable('agency') AND referral.day > getvariable('month_end') - 365
    GROUP BY referral.team
),
profession AS (
    FROM (VALUES
        ('06', 'medical', 0.7), ('06', 'nursing', 0.3), ('33', 'speech_language', 0.8), ('33', 'support', 0.2),
        ('23', 'occupational_therapy', 1.0), ('26', 'physiotherapy', 1.0), ('17', 'audiology', 1.0), ('58', 'dietetics', 1.0),
        ('16', 'nursing', 1.0), ('32', 'nursing', 1.0), ('38', 'nursing', 1.0), ('A06', 'psychology', 0.5), ('A06', 'nursing', 0.5),
        ('C01', 'psychology', 1.0), ('C04', 'medical', 0.5), ('C04', 'psychology', 0.5), ('E01', 'nursing', 1.0),
        ('F01', 'psychology', 1.0)
    ) AS list (team, profession, share)
),
month AS (
    SELECT unnest(range(12)) AS back
),
staffed AS (
    SELECT served.team, profession.profession, last_day((getvariable('month_end') - to_months(month.back::INTEGER))::DATE) AS day,
        greatest(0.6, round(served.contacts / 480.0 * profession.share, 1)) AS funded,
        md5_number(served.team || profession.profession || (month.back // 4)) % 16 AS short
    FROM served JOIN profession USING (team) CROSS JOIN month
)
SELECT
    row_number() OVER (ORDER BY team, profession, day) AS _row, getvariable('ods_code') AS provider, team AS service, profession,
    source_date(day) AS month, printf('%.1f', funded) AS wte_funded, printf('%.1f', funded * (1 - short::DOUBLE / 100)) AS wte_in_post,
    floor(funded * short::DOUBLE / 100)::INTEGER::VARCHAR AS vacancies
FROM staffed
