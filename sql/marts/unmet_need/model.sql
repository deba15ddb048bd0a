-- mart.unmet_need
-- Grain: need x service x health place. Key: see mart.yaml. Owner: joint commissioning.
-- Which service meets a need: SEND code of practice 2015, 6.28 to 6.35 (areas of need and the therapies named there), in the
-- team types of CSDS v1.6: 33 speech and language therapy, 26 physiotherapy, 23 occupational therapy, 06 community paediatrics,
-- 17 hearing. Social care codes: DfE CIN census (COMM communication, MOB mobility, HAND hand function, AUT autism, HEAR hearing).
WITH meets AS (
    SELECT * FROM (VALUES
        ('SLCN', '33'), ('PD', '26'), ('PD', '23'), ('ASD', '06'), ('HI', '17')
    ) AS list (need_code, team_type_code)
),
translated AS (
    SELECT * FROM (VALUES
        ('COMM', 'SLCN'), ('MOB', 'PD'), ('HAND', 'PD'), ('AUT', 'ASD'), ('HEAR', 'HI')
    ) AS list (disability_code, need_code)
),
seen AS (
    SELECT least(:as_of, min(source.data_as_at)) AS data_as_at FROM core.source AS source
    WHERE source.group_code = 'health'
),
recorded AS (
    -- Ranks 1 and 2: the primary and the secondary need; only of children who have a plan or SEN support now.
    SELECT need.person_key, need.need_code, TRUE AS is_education, FALSE AS is_social_care
    FROM core.sen_need AS need
    JOIN core.sen_status AS status USING (agency_code, dataset_code, record_pseudonym)
    WHERE need.need_rank <= 2 AND status.status_code IN ('E', 'K')
    UNION ALL
    SELECT disability.person_key, translated.need_code, FALSE, TRUE
    FROM core.disability AS disability JOIN translated USING (disability_code)
),
child AS (
    SELECT
        recorded.person_key, recorded.need_code, meets.team_type_code, bool_or(recorded.is_education) AS is_education,
        bool_or(recorded.is_social_care) AS is_social_care
    FROM recorded JOIN meets USING (need_code) WHERE recorded.person_key IS NOT NULL
    GROUP BY recorded.person_key, recorded.need_code, meets.team_type_code
),
referral AS (
    SELECT
        referral.person_key, referral.team_type_code,
        bool_or(referral.rejected_date IS NULL AND coalesce(referral.closed_date, :as_of) >= as_at - interval '24 months') AS is_met,
        bool_or(referral.rejected_date >= as_at - interval '24 months') AS is_rejected
    FROM core.referral AS referral
    CROSS JOIN LATERAL (SELECT least(:as_of, referral.observed_to) AS as_at) AS day
    WHERE referral.received_date <= as_at
    GROUP BY referral.person_key, referral.team_type_code
),
contact AS (
    SELECT DISTINCT referral.person_key, referral.team_type_code
    FROM core.contact AS contact
    JOIN core.referral AS referral USING (agency_code, dataset_code, referral_ref)
    WHERE contact.attendance_code IN ('5', '6')
        AND contact.contact_date > least(:as_of, referral.observed_to) - interval '24 months'
        AND contact.contact_date <= least(:as_of, referral.observed_to)
),
-- Who is of which age is asked last: the planner takes that question to leave hardly anyone, and then joins row by row.
judged AS MATERIALIZED (
    SELECT
        child.*, core.age_on_31_august(profile.birth_month, seen.data_as_at) AS age, coalesce(profile.health_place_code, 'unknown') AS place_code,
        coalesce(referral.is_met, FALSE) OR contact.person_key IS NOT NULL AS is_met,
        coalesce(referral.is_rejected, FALSE) AS is_rejected, NOT profile.is_known_to_health AS is_unmatched
    FROM child
    JOIN core.person_profile AS profile USING (person_key)
    CROSS JOIN seen
    LEFT JOIN referral ON referral.person_key = child.person_key AND referral.team_type_code = child.team_type_code
    LEFT JOIN contact ON contact.person_key = child.person_key AND contact.team_type_code = child.team_type_code
)
SELECT
    :as_of AS time_period, judged.need_code, max(need.label) AS need_name, judged.team_type_code,
    max(service.label) AS service_name, place.health_place_code, count(*)::integer AS children_count,
    count(*) FILTER (WHERE is_education) AS education_count, count(*) FILTER (WHERE is_social_care) AS social_care_count,
    count(*) FILTER (WHERE is_met) AS met_count, count(*) FILTER (WHERE NOT is_met) AS unmet_count,
    round(100.0 * count(*) FILTER (WHERE NOT is_met) / count(*), 1) AS unmet_pct,
    count(*) FILTER (WHERE NOT is_met AND is_rejected) AS rejected_count,
    count(*) FILTER (WHERE NOT is_met AND is_unmatched) AS unmatched_to_health_count, max(seen.data_as_at) AS data_as_at
FROM seen CROSS JOIN judged
LEFT JOIN core.code AS need ON need.list_code = 'sen_type' AND need.code = judged.need_code
LEFT JOIN core.code AS service ON service.list_code = 'csds_team_type' AND service.code = judged.team_type_code
CROSS JOIN LATERAL (VALUES (judged.place_code), ('ALL')) AS place (health_place_code)
WHERE judged.age BETWEEN 0 AND 18
GROUP BY judged.need_code, judged.team_type_code, place.health_place_code
