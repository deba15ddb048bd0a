-- Grain: one child in a bought placement on the census day. Costs by type of provision, a third with a share of others.
WITH kind AS (
    SELECT * FROM (VALUES
        (0, 48, 'Fostering - Mainstream', 950, 'NW Contract - Fostering FPS or previous', 'Ofsted'),
        (48, 58, 'Fostering - Enhanced', 1450, 'NW Contract - Fostering FPS or previous', 'Ofsted'),
        (58, 78, 'Residential - Mainstream', 5200, 'NW Contract - Residential FPS or previous', 'Ofsted'),
        (78, 86, 'Residential - With Education', 6100, 'NW Contract - Residential FPS or previous', 'Ofsted'),
        (86, 89, 'Residential - 38 week Residential School/College', 3400, 'NW Contract - SEND FPS', 'Ofsted'),
        (89, 91, 'Residential - 52 week Residential School/College', 4900, 'NW Contract - SEND FPS', 'Ofsted'),
        (91, 98, 'Supported Accommodation - Category 2: Shared or group living for LAC and care leavers', 1350,
            'NW Contract - Supported Accommodation DPS or previous', 'Ofsted'),
        (98, 100, 'CQC', 4200, 'Direct Award / Off Framework', 'CQC only')
    ) AS t (low, high, provision, weekly, bought_by, registration)
),
placed AS (
    SELECT record.*, truth.birth AS true_birth, truth.ethnicity, in_care.started_on, kind.*,
        printf('%08d', scrambled(record.local_number, getvariable('agency'))::BIGINT) AS own_id,
        round(kind.weekly * (80 + md5_number('cost' || record.person) % 60) / 100, 2) AS cost,
        (md5_number('shared' || record.person) % 3)::INTEGER AS shared, (60 + md5_number('start' || record.person) % 1200)::INTEGER AS days_ago
    FROM record
    JOIN world.person AS truth USING (person)
    JOIN (SELECT person, min(started_on) AS started_on FROM world.care_period WHERE kind = 'open' GROUP BY person) AS in_care USING (person)
    JOIN kind ON md5_number('kind' || record.person) % 100 >= kind.low AND md5_number('kind' || record.person) % 100 < kind.high
),
split AS (
    SELECT *, CASE shared WHEN 0 THEN round(cost * 0.30, 2) ELSE 0 END AS education, CASE shared WHEN 0 THEN round(cost * 0.15, 2) ELSE 0 END AS health
    FROM placed
)
SELECT
    row_number() OVER (ORDER BY own_id) AS _row, record AS _record, person AS _person,
    CASE WHEN true_birth <= getvariable('snapshot') - INTERVAL 18 YEAR THEN 'Post 18 (CSC placement)' ELSE 'Looked after child (under 18)' END
        AS "Looked after child?",
    'Merebrook' AS "Placing Authority", own_id AS "Identifier", greatest(0, date_sub('year', true_birth, getvariable('snapshot')))::VARCHAR AS "Age",
    CASE sex WHEN 'M' THEN 'Male (including trans male)' ELSE 'Female (including trans female)' END AS "Gender",
    bought_by AS "How the placement was sourced", 'Provider ' || (record % 9 + 1) AS "Organisation", 'Home ' || (record % 31 + 1) AS "Establishment",
    provision AS "Type of provision", 'No' AS "UASC", printf('%.2f', cost) AS "Total weekly cost",
    printf('%.2f', cost - education - health) AS "Contribution from Social Care", printf('%.2f', education) AS "Contribution from Education",
    printf('%.2f', health) AS "Contribution from Health",
    CASE WHEN ethnicity LIKE 'W%' THEN 'English, Welsh, Scottish, Northern Irish or British (White)' WHEN ethnicity LIKE 'M%'
        THEN 'Any other Mixed or multiple ethnic background (Mixed or multiple ethnic groups)' ELSE 'Unknown' END AS "Ethnic Group",
    source_date(greatest(getvariable('snapshot') - days_ago, started_on)) AS "Placement start date",
    registration AS "Primary registration type", CASE WHEN shared = 1 THEN 'Provision within distance exists but is not available' END
        AS "Placing at Distance Reason",
    'SC' || (100000 + record % 31) AS "Provider Ofsted (or equivalent) URN", (2500000 + record % 31)::VARCHAR AS "Establishment URN",
    printf('%08d', 7000000 + record % 9) AS "Provider Company number", CASE WHEN shared = 2 THEN 'Yes' ELSE 'No' END
        AS "Does this placement cost include additional packages?",
    'No' AS "Deprivation of Liberty Safeguards in place?", 'No, and is not in a solo placement' AS "Does this CYP require a solo placement?"
FROM split
