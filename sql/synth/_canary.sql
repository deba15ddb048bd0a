-- One child more, with a name, numbers, a birth date and a postcode that nobody else has, known to all three agencies.
INSERT INTO world.person BY NAME
SELECT
    person.* REPLACE (
        getvariable('canary_person') AS person, getvariable('canary_person') AS family, getvariable('canary_birth') AS birth, 'F' AS sex,
        getvariable('canary_forename') AS forename, NULL AS middle, getvariable('canary_surname') AS surname,
        getvariable('canary_nhs') AS nhs, getvariable('canary_upn') AS upn, getvariable('canary_uln') AS uln, TRUE AS has_upn, TRUE AS has_uln,
        home.postcode AS postcode, home.lsoa AS lsoa, home.place AS place, home.decile AS decile, home.commissioner AS commissioner,
        14 AS age, NULL AS former_postcode, NULL AS former_surname, NULL AS former_upn, NULL AS moved_on, NULL AS renamed_on,
        NULL AS adopted_on, FALSE AS is_adopted, FALSE AS is_twin, FALSE AS is_opted_out, TRUE AS is_canary
    )
FROM (SELECT * FROM world.person ORDER BY person LIMIT 1) AS person
CROSS JOIN (
    SELECT postcode.postcode, small_area.lsoa, small_area.place, small_area.decile, health_place.commissioner
    FROM (SELECT * FROM world.postcode WHERE number = 0) AS postcode
    JOIN world.small_area AS small_area USING (lsoa)
    JOIN world.health_place AS health_place USING (place)
) AS home;

INSERT INTO world.pupil BY NAME
SELECT * REPLACE (getvariable('canary_person') AS person, -1 AS second_school, '9' AS nc_year, 13 AS age, 'E' AS status)
FROM world.pupil WHERE school_kind = 'secondary' ORDER BY nc_year <> '9', person LIMIT 1;

INSERT INTO world.plan_case BY NAME
SELECT
    * REPLACE (
        getvariable('canary_person') AS person,
        (SELECT max(every_case.case_number) + 1 FROM world.plan_case AS every_case)::INTEGER AS case_number
    )
FROM world.plan_case WHERE started_on <= getvariable('activity_end') AND ceased_on IS NULL ORDER BY case_number LIMIT 1;

INSERT INTO world.placement BY NAME
SELECT
    placement.* REPLACE (
        getvariable('canary_person') AS person, own_case.case_number AS case_number, 'secondary' AS phase, 'ASD' AS need,
        'mainstream' AS placement, own_school.school AS school
    )
FROM (SELECT * FROM world.placement ORDER BY case_number LIMIT 1) AS placement
CROSS JOIN (SELECT case_number FROM world.plan_case WHERE person = getvariable('canary_person')) AS own_case
CROSS JOIN (SELECT school FROM world.pupil WHERE person = getvariable('canary_person')) AS own_school;

INSERT INTO world.need BY NAME SELECT getvariable('canary_person') AS person, 'ASD' AS need, 1 AS rank, 'plan' AS kind;
INSERT INTO world.disability BY NAME SELECT getvariable('canary_person') AS person, 'AUT' AS code;

INSERT INTO world.episode BY NAME
SELECT * REPLACE (getvariable('canary_person') AS person)
FROM world.episode WHERE closed_on IS NULL ORDER BY referred_on DESC, person LIMIT 1;

INSERT INTO world.known BY NAME
SELECT person, referred_on AS known_on FROM world.episode WHERE person = getvariable('canary_person');

CREATE TABLE world.canary_referral AS
SELECT * FROM world.referral
WHERE seen_on <= getvariable('month_end') AND closed_on >= getvariable('two_years_ago') ORDER BY referral LIMIT 1;

INSERT INTO world.referral BY NAME
SELECT
    * REPLACE (
        getvariable('canary_person') AS person, (SELECT max(referral) + 1 FROM world.referral)::INTEGER AS referral,
        'south_trust' AS trust, 0 AS identity
    )
FROM world.canary_referral;

INSERT INTO world.contact BY NAME
SELECT
    held.* REPLACE (
        (last.contact + row_number() OVER (ORDER BY held.contact))::INTEGER AS contact,
        (SELECT max(referral) FROM world.referral)::INTEGER AS referral
    )
FROM world.contact AS held
JOIN world.canary_referral AS donor USING (referral)
CROSS JOIN (SELECT max(contact) AS contact FROM world.contact) AS last;

INSERT INTO world.result BY NAME
SELECT DISTINCT ON (stage, year) * REPLACE (getvariable('canary_person') AS person) FROM world.result ORDER BY stage, year, person;
INSERT INTO world.activity BY NAME
SELECT * REPLACE (getvariable('canary_person') AS person) FROM world.activity ORDER BY person LIMIT 1;

CREATE TABLE world.canary_mental_referral AS
SELECT * FROM world.mental_referral
WHERE seen_on <= getvariable('month_end') AND closed_on >= getvariable('two_years_ago') ORDER BY referral LIMIT 1;

INSERT INTO world.mental_referral BY NAME
SELECT
    * REPLACE (
        getvariable('canary_person') AS person, (SELECT max(referral) + 1 FROM world.mental_referral)::INTEGER AS referral,
        'south_trust' AS trust, 0 AS identity
    )
FROM world.canary_mental_referral;

INSERT INTO world.mental_contact BY NAME
SELECT
    held.* REPLACE (
        (last.contact + row_number() OVER (ORDER BY held.contact))::INTEGER AS contact,
        (SELECT max(referral) FROM world.mental_referral)::INTEGER AS referral
    )
FROM world.mental_contact AS held
JOIN world.canary_mental_referral AS donor USING (referral)
CROSS JOIN (SELECT max(contact) AS contact FROM world.mental_contact) AS last;

INSERT INTO world.care_period BY NAME
SELECT * REPLACE (getvariable('canary_person') AS person, FALSE AS is_asylum)
FROM world.care_period WHERE kind = 'open' ORDER BY started_on DESC, person LIMIT 1;

INSERT INTO world.care_episode BY NAME
SELECT
    episode.* REPLACE (
        getvariable('canary_person') AS person, period.started_on AS began_on, 'S' AS why_began, 'C2' AS legal_status, 'U6' AS placement,
        'PR1' AS provider
    )
FROM (SELECT * FROM world.care_episode WHERE ended_on IS NULL AND legal_status <> 'V4' ORDER BY person LIMIT 1) AS episode
CROSS JOIN (SELECT started_on FROM world.care_period WHERE person = getvariable('canary_person')) AS period;

INSERT INTO world.family_help BY NAME
SELECT * REPLACE (getvariable('canary_person') AS person) FROM world.family_help ORDER BY began_on DESC, person LIMIT 1
