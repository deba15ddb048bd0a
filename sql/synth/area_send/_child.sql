-- Lookup: what both lists say of a child, under the headers of the inspection framework.
WITH absence AS (
    SELECT person, round(100.0 * sum(sessions) FILTER (code NOT IN ('/', '\')) / sum(sessions), 1) AS absence
    FROM world.session GROUP BY person
),
suspended AS (
    SELECT person, count(*) FILTER (category <> 'PERM') AS suspensions, count(*) FILTER (category = 'PERM') AS exclusions
    FROM world.suspension GROUP BY person
)
SELECT
    record.record, record.person, record.upn, record.uln, record.birth, record.sex, record.upn_state, truth.ethnicity, pupil.school,
    printf('SEN-%08d', scrambled(record.local_number, getvariable('salt'))::BIGINT) AS unique_id,
    CASE record.sex WHEN 'M' THEN 'a) Male' WHEN 'F' THEN 'b) Female' END AS gender, pupil.age AS age,
    coalesce(suspended.suspensions, 0)::VARCHAR AS suspensions, coalesce(suspended.exclusions, 0)::VARCHAR AS exclusions,
    absence.absence::VARCHAR AS absence,
    CASE WHEN (truth.person::BIGINT * 69621) % 2147483647 % 100 < CASE WHEN truth.decile <= 2 THEN 46 WHEN truth.decile <= 5 THEN 20 ELSE 7 END
        THEN 'a) Yes' ELSE 'b) No' END AS pupil_premium,
    CASE WHEN record.person IN (SELECT person FROM world.episode WHERE closed_on IS NULL) THEN 'a) Yes' ELSE 'b) No' END AS social_care,
    CASE WHEN record.person IN (SELECT person FROM world.disability) THEN 'a) Yes' ELSE 'b) No' END AS disability
FROM record
JOIN world.person AS truth USING (person)
LEFT JOIN world.pupil AS pupil USING (person)
LEFT JOIN absence USING (person)
LEFT JOIN suspended USING (person)
