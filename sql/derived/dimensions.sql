-- What facts and marts are grouped by: one view for each, made from the code lists of the contracts and from core, so that
-- a code that a contract learns is here as well. The prefix tells them from facts of the same name (core.sen_status).
-- They say nothing of a child; commissioners read them beside the marts, core.dim_provider apart (sql/grants).
DROP VIEW IF EXISTS
    core.dim_date, core.dim_need, core.dim_provision, core.dim_reform_plan_provision, core.dim_age, core.dim_ethnicity,
    core.dim_sen_status, core.dim_provider, core.dim_geography, core.dim_source, core.dim_run;

-- 31 years before this project and 34 after it: a young person of 25 and ten years ahead, until 2050.
CREATE VIEW core.dim_date AS
SELECT
    calendar_date, extract(year FROM calendar_date)::integer AS calendar_year, extract(month FROM calendar_date)::integer AS calendar_month,
    date_trunc('month', calendar_date)::date AS month_start_date, school_year, school_year || '/' || right((school_year + 1)::text, 2) AS school_year_name,
    CASE
        WHEN extract(month FROM calendar_date) BETWEEN 1 AND 4 THEN 'spring' WHEN extract(month FROM calendar_date) BETWEEN 5 AND 7 THEN 'summer'
        WHEN extract(month FROM calendar_date) > 8 THEN 'autumn'
    END AS term_code,
    financial_year, (financial_year - 1) || '-' || right(financial_year::text, 2) AS financial_year_name,
    extract(isodow FROM calendar_date) = 4 AND (
        (extract(month FROM calendar_date) = 10 AND extract(day FROM calendar_date) <= 7)
        OR (extract(month FROM calendar_date) IN (1, 5) AND extract(day FROM calendar_date) BETWEEN 15 AND 21)
    ) AS is_census_day
FROM (
    SELECT
        day::date AS calendar_date, extract(year FROM day - interval '8 months')::integer AS school_year,
        extract(year FROM day + interval '9 months')::integer AS financial_year
    FROM generate_series(timestamp '1990-09-01', timestamp '2060-08-31', interval '1 day') AS day
) AS days;
COMMENT ON VIEW core.dim_date IS 'Grain: one calendar day, 1 September 1990 to 31 August 2060.';
COMMENT ON COLUMN core.dim_date.calendar_date IS 'The day.';
COMMENT ON COLUMN core.dim_date.calendar_year IS 'Its calendar year.';
COMMENT ON COLUMN core.dim_date.calendar_month IS 'Its month, 1 to 12.';
COMMENT ON COLUMN core.dim_date.month_start_date IS 'The first day of its month.';
COMMENT ON COLUMN core.dim_date.school_year IS 'The calendar year in which its school year began (September to August), as born_school_year.';
COMMENT ON COLUMN core.dim_date.school_year_name IS 'Its school year in words: 2025/26.';
COMMENT ON COLUMN core.dim_date.term_code IS 'autumn (September to December), spring (January to April), summer (May to July), as periods of deliveries are bounded; empty in August.';
COMMENT ON COLUMN core.dim_date.financial_year IS 'The calendar year of the March in which its financial year ends, as year in core.placement_cost.';
COMMENT ON COLUMN core.dim_date.financial_year_name IS 'Its financial year in words: 2025-26.';
COMMENT ON COLUMN core.dim_date.is_census_day IS 'A day of the school census by its guide: first Thursday of October, third of January and of May. What schools said instead is census_date in core.enrolment.';

CREATE VIEW core.dim_need AS
SELECT
    code AS need_code, label AS need_name,
    CASE
        WHEN code IN ('SLCN', 'ASD') THEN 'Communication and interaction'
        WHEN code IN ('SPLD', 'MLD', 'SLD', 'PMLD') THEN 'Cognition and learning'
        WHEN code = 'SEMH' THEN 'Social, emotional and mental health'
        WHEN code IN ('HI', 'VI', 'MSI', 'PD') THEN 'Sensory and physical'
        ELSE 'Other or not assessed'
    END AS need_area,
    code <> 'NSA' AS is_plan_need, CASE code WHEN 'DS' THEN 2025 END AS since_year
FROM core.code
WHERE list_code = 'sen_type';
COMMENT ON VIEW core.dim_need IS 'Grain: one type of special educational need (code list sen_type). Needs of social care and diagnoses have lists of their own.';
COMMENT ON COLUMN core.dim_need.need_code IS 'Code of the education departments.';
COMMENT ON COLUMN core.dim_need.need_name IS 'What it means.';
COMMENT ON COLUMN core.dim_need.need_area IS 'Broad area of need of the SEND code of practice; other, Down syndrome and no assessment belong to none.';
COMMENT ON COLUMN core.dim_need.is_plan_need IS 'Among the 13 needs a plan can have, in SEN2 and the local SEND reform plan.';
COMMENT ON COLUMN core.dim_need.since_year IS 'The first year in which it was asked for, where that is not always: a series breaks there.';

-- The lines as they are; the list of provision types is shorter, so that several lines share one type.
CREATE VIEW core.dim_reform_plan_provision AS
SELECT * FROM (VALUES
    (1, 'Early years, including private, voluntary and independent', 'mainstream'),
    (2, 'Mainstream', 'mainstream'),
    (3, 'Support base, funded by the setting', 'support_base'),
    (4, 'Specialist base, commissioned by the authority', 'specialist_base'),
    (5, 'Maintained special school or special academy', 'special'),
    (6, 'Non-maintained or independent special school, funded by the authority', 'independent'),
    (7, 'Non-maintained or independent special school, other arrangement', 'independent'),
    (8, 'Alternative provision', 'alternative'),
    (9, 'Mainstream post-16', 'post_16'),
    (10, 'Mainstream post-16, specialist', 'post_16'),
    (11, 'Specialist post-16 institution', 'post_16'),
    (12, 'Elective home education', 'other'),
    (13, 'Education otherwise than at school', 'eotas'),
    (14, 'Other, including hospital', 'other')
) AS line (line_number, line_name, provision_code);
COMMENT ON VIEW core.dim_reform_plan_provision IS 'Grain: one of the 14 provisions of the local SEND reform plan, with the type of provision that holds it. Counts by type cannot be split into lines that share one.';
COMMENT ON COLUMN core.dim_reform_plan_provision.line_number IS 'Its place in the plan, 1 to 14.';
COMMENT ON COLUMN core.dim_reform_plan_provision.line_name IS 'Its name.';
COMMENT ON COLUMN core.dim_reform_plan_provision.provision_code IS 'The type of provision that its children and places have here.';

CREATE VIEW core.dim_provision AS
SELECT
    code.code AS provision_code, code.label AS provision_name, code.code IN ('specialist_base', 'special', 'independent') AS is_specialist,
    (SELECT array_agg(line_number ORDER BY line_number) FROM core.dim_reform_plan_provision AS line WHERE line.provision_code = code.code)
        AS reform_plan_lines,
    CASE code.code
        WHEN 'specialist_base' THEN 'SEN units and resourced provision' WHEN 'special' THEN 'State special'
        WHEN 'independent' THEN 'Independent' WHEN 'alternative' THEN 'Alternative provision'
    END AS capacity_survey_group
FROM core.code AS code
WHERE list_code = 'provision_type';
COMMENT ON VIEW core.dim_provision IS 'Grain: one type of provision (code list provision_type). core.bought_placement has a list of its own, pnw_provision.';
COMMENT ON COLUMN core.dim_provision.provision_code IS 'Code of the capacity list.';
COMMENT ON COLUMN core.dim_provision.provision_name IS 'What it means.';
COMMENT ON COLUMN core.dim_provision.is_specialist IS 'Counted as a specialist place where needs and places are compared.';
COMMENT ON COLUMN core.dim_provision.reform_plan_lines IS 'Its lines in core.dim_reform_plan_provision.';
COMMENT ON COLUMN core.dim_provision.capacity_survey_group IS 'Its group in the SEND part of the school capacity survey, which asks for each by primary and secondary; empty where it does not ask. Non-maintained special schools are with state special there and with independent here.';

CREATE VIEW core.dim_age AS
SELECT
    age, core.age_band(age) AS age_band, nc_year_code, code.label AS nc_year_name,
    CASE
        WHEN age <= 4 THEN 'early_years' WHEN age <= 10 THEN 'primary' WHEN age <= 15 THEN 'secondary' ELSE 'post_16'
    END AS phase_code,
    CASE
        WHEN age <= 4 THEN 'Early years' WHEN age <= 6 THEN 'Key stage 1' WHEN age <= 10 THEN 'Key stage 2' WHEN age <= 13 THEN 'Key stage 3'
        WHEN age <= 15 THEN 'Key stage 4' WHEN age <= 18 THEN 'Key stage 5'
    END AS key_stage
FROM (
    SELECT age, CASE age WHEN 2 THEN 'N1' WHEN 3 THEN 'N2' WHEN 4 THEN 'R' ELSE CASE WHEN age BETWEEN 5 AND 18 THEN (age - 4)::text END END AS nc_year_code
    FROM generate_series(-1, 25) AS age
) AS ages
LEFT JOIN core.code AS code ON code.list_code = 'nc_year' AND code.code = nc_year_code;
COMMENT ON VIEW core.dim_age IS 'Grain: one age up to 25, in whole years on 31 August before the school year (core.age_on_31_august); a child born since then has -1. A pupil taught with another year is in core.enrolment with that year.';
COMMENT ON COLUMN core.dim_age.age IS 'Whole years; -1 for a child born since.';
COMMENT ON COLUMN core.dim_age.age_band IS 'One of the five age groups of the local SEND reform plan, as marts write them.';
COMMENT ON COLUMN core.dim_age.nc_year_code IS 'The school year in which most of that age are: N1, N2, R, 1 to 14; none before and after.';
COMMENT ON COLUMN core.dim_age.nc_year_name IS 'The school year in words.';
COMMENT ON COLUMN core.dim_age.phase_code IS 'early_years, primary, secondary or post_16: code list sen_phase.';
COMMENT ON COLUMN core.dim_age.key_stage IS 'Early years, key stage 1 to 5; none from 19.';

CREATE VIEW core.dim_ethnicity AS
SELECT
    code AS ethnicity_code, label AS ethnicity_name, ethnicity_group,
    CASE ethnicity_group WHEN 'Chinese' THEN 'Asian' ELSE ethnicity_group END AS ethnicity_group_of_five
FROM core.code
CROSS JOIN LATERAL core.ethnicity_group(code) AS ethnicity_group
WHERE list_code = 'ethnicity';
COMMENT ON VIEW core.dim_ethnicity IS 'Grain: one main or extended education code of an ethnic group (code list ethnicity).';
COMMENT ON COLUMN core.dim_ethnicity.ethnicity_code IS 'The code.';
COMMENT ON COLUMN core.dim_ethnicity.ethnicity_name IS 'What it means.';
COMMENT ON COLUMN core.dim_ethnicity.ethnicity_group IS 'The group that marts use, Chinese apart; Not known where refused or not yet asked.';
COMMENT ON COLUMN core.dim_ethnicity.ethnicity_group_of_five IS 'Asian, Black, Mixed, Other, White as in the census of population since 2011: Chinese is with Asian; Not known as before.';

-- What replaces these one day is a row more and an end for the rows it replaces; nothing that is only proposed is here.
-- E and K from the day the SEND code of practice came into force. S until the end of the years in which statements were
-- transferred (Children and Families Act 2014, transitional arrangements). A and P are not to be given from the school
-- census guide of 2015 to 2016 on, where K is to be used instead (its page 66, as Cornwall Council quotes it); that schools
-- could still give them in the school year before, in which the new code was in force already, is an assumption.
CREATE VIEW core.dim_sen_status AS
SELECT status.status_code, code.label AS status_name, status.counts_as_code, status.valid_from, status.valid_to
FROM (VALUES
    ('N', 'N', date '-infinity', date 'infinity'),
    ('K', 'K', date '2014-09-01', date 'infinity'),
    ('E', 'E', date '2014-09-01', date 'infinity'),
    ('A', 'K', date '-infinity', date '2015-08-31'),
    ('P', 'K', date '-infinity', date '2015-08-31'),
    ('S', 'E', date '-infinity', date '2018-03-31')
) AS status (status_code, counts_as_code, valid_from, valid_to)
JOIN core.code AS code ON code.list_code = 'sen_provision' AND code.code = status.status_code;
COMMENT ON VIEW core.dim_sen_status IS 'Grain: SEN status x time in which it could be given. Join on the code and on the day: observed_on BETWEEN valid_from AND valid_to.';
COMMENT ON COLUMN core.dim_sen_status.status_code IS 'Code of the school census: E, K, N; S, A, P before the reform of 2014. Facts have E, K and N only.';
COMMENT ON COLUMN core.dim_sen_status.status_name IS 'What it means.';
COMMENT ON COLUMN core.dim_sen_status.counts_as_code IS 'The status of today that facts show it as.';
COMMENT ON COLUMN core.dim_sen_status.valid_from IS 'First day; -infinity where no source reaches back so far.';
COMMENT ON COLUMN core.dim_sen_status.valid_to IS 'Last day, with the years of change-over; infinity while it stands. That of A and P is the day before the first census guide that forbids them; whether schools gave them until then is assumed.';

CREATE VIEW core.dim_geography AS
SELECT
    lsoa21_code, lsoa21_name, ward_code, ward_name, health_place_code, health_place_name, imd_decile,
    core.deprivation_fifth(imd_decile) AS deprivation_fifth
FROM core.geography;
COMMENT ON VIEW core.dim_geography IS 'Grain: one LSOA (2021) of the local area. A home outside the area, or not known, has no row: join LEFT, or read core.person_profile.';
COMMENT ON COLUMN core.dim_geography.lsoa21_code IS 'Code of the LSOA.';
COMMENT ON COLUMN core.dim_geography.lsoa21_name IS 'Its name.';
COMMENT ON COLUMN core.dim_geography.ward_code IS 'Its ward.';
COMMENT ON COLUMN core.dim_geography.ward_name IS 'The name of the ward.';
COMMENT ON COLUMN core.dim_geography.health_place_code IS 'Its health place.';
COMMENT ON COLUMN core.dim_geography.health_place_name IS 'The name of the health place.';
COMMENT ON COLUMN core.dim_geography.imd_decile IS 'Tenth of England by deprivation, 1 the most deprived.';
COMMENT ON COLUMN core.dim_geography.deprivation_fifth IS 'The same by fifths, as marts write them.';

CREATE VIEW core.dim_provider AS
SELECT
    named.provider_code,
    CASE WHEN named.provider_code ~ '^[0-9]{6}$' THEN 'urn' WHEN named.provider_code ~ '^[0-9]{8}$' THEN 'ukprn' ELSE 'other' END AS number_kind,
    listed.provider_urn IS NOT NULL AS is_in_capacity_list, listed.provisions, listed.health_place_code,
    coalesce(paid.is_in_area, CASE WHEN listed.health_place_code IS NOT NULL THEN TRUE END) AS is_in_area
FROM (
    SELECT provider_urn AS provider_code FROM core.capacity
    UNION SELECT coalesce(provider_urn, school_code) FROM core.enrolment
    UNION SELECT coalesce(provider_urn, provider_ukprn) FROM core.ehc_placement
    UNION SELECT coalesce(provider_urn, provider_ukprn) FROM core.ehc_placement_spell
    UNION SELECT school_urn FROM core.attainment
    UNION SELECT coalesce(provider_urn, school_code) FROM core.pupil_history
    UNION SELECT provider_urn FROM core.bought_placement
    UNION SELECT placement_urn FROM core.looked_after_episode
    UNION SELECT provider_code FROM core.short_break_place
    UNION SELECT provider_code FROM core.placement_cost
    UNION SELECT provider_code FROM core.staff_in_post
) AS named
LEFT JOIN (
    SELECT
        provider_urn, array_agg(DISTINCT provision_code ORDER BY provision_code) AS provisions,
        (array_agg(health_place_code ORDER BY year DESC, health_place_code))[1] AS health_place_code
    FROM core.capacity GROUP BY provider_urn
) AS listed ON listed.provider_urn = named.provider_code
LEFT JOIN (
    SELECT provider_code, (array_agg(is_in_area ORDER BY year DESC, is_in_area))[1] AS is_in_area
    FROM core.placement_cost WHERE is_in_area IS NOT NULL GROUP BY provider_code
) AS paid ON paid.provider_code = named.provider_code
WHERE named.provider_code IS NOT NULL;
COMMENT ON VIEW core.dim_provider IS 'Grain: one provider by the number that facts name it with. Join coalesce(provider_urn, school_code) of core.enrolment and core.pupil_history, coalesce(provider_urn, provider_ukprn) of core.ehc_placement and core.ehc_placement_spell; a placement without either has no provider. One that a single child is placed with is here too: for analysts.';
COMMENT ON COLUMN core.dim_provider.provider_code IS 'URN, UKPRN, ODS code, or the code of the council or school.';
COMMENT ON COLUMN core.dim_provider.number_kind IS 'urn (six digits), ukprn (eight), other.';
COMMENT ON COLUMN core.dim_provider.is_in_capacity_list IS 'Whether place planning lists places of it.';
COMMENT ON COLUMN core.dim_provider.provisions IS 'Types of provision of those places.';
COMMENT ON COLUMN core.dim_provider.health_place_code IS 'Health place in which it stands, as place planning says last.';
COMMENT ON COLUMN core.dim_provider.is_in_area IS 'Whether it lies in the local area: as the costs of placements say last, else because place planning says in which health place it stands; empty where neither tells.';

CREATE VIEW core.dim_source AS
SELECT agency_code, dataset_code, agency_name, dataset_title, group_code, is_about_people, period_start, period_end, data_as_at
FROM core.source;
COMMENT ON VIEW core.dim_source IS 'Grain: one dataset of one agency, with the period of it that the warehouse now shows. How good it is is in mart.data_quality.';
COMMENT ON COLUMN core.dim_source.group_code IS 'Group of the agency: education, social_care, health or planning.';

CREATE VIEW core.dim_run AS
SELECT
    refresh_key AS run_number, recorded_at, finished_at, as_of, code_version, cardinality(submissions) AS submission_count,
    lead(recorded_at, 1, 'infinity') OVER (ORDER BY recorded_at) AS shown_until
FROM ops.refresh;
COMMENT ON VIEW core.dim_run IS 'Grain: one completed refresh. Join on recorded_from of a row of core to see which brought it; any moment from recorded_at until shown_until, given as joint_needs.as_known_at, shows what it showed.';
COMMENT ON COLUMN core.dim_run.recorded_at IS 'The moment that rows of core and of the marts carry which it brought or took away.';
COMMENT ON COLUMN core.dim_run.run_number IS 'Its number in ops.refresh.';
COMMENT ON COLUMN core.dim_run.submission_count IS 'Submissions that it shows.';
COMMENT ON COLUMN core.dim_run.shown_until IS 'When the next refresh was recorded; infinity for the newest.';
