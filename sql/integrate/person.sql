-- core.person, made from core.person_record.
-- Grain: one person. Key: person_key. Owner: data team.
-- Where agencies disagree: education before social care before health; within one, the latest observation. A month of birth
-- never changes, so the one that most records say goes before. An answer that is none (sex unknown, ethnicity refused or not
-- yet obtained) gives way to any that is one.
WITH record AS (
    SELECT
        record.*, source.group_code,
        row_number() OVER (
            PARTITION BY record.person_key
            ORDER BY array_position(ARRAY['education', 'social_care', 'health'], source.group_code), record.observed_on DESC,
                record.agency_code, record.dataset_code, record.record_pseudonym
        ) AS precedence,
        count(record.birth_month) OVER (PARTITION BY record.person_key, record.birth_month) AS alike
    FROM core.person_record AS record JOIN core.source AS source USING (agency_code, dataset_code)
    WHERE record.person_key IS NOT NULL
)
SELECT
    person_key,
    (array_agg(birth_month ORDER BY alike DESC, precedence) FILTER (WHERE birth_month IS NOT NULL))[1] AS birth_month,
    (array_agg(sex_code ORDER BY sex_code = 'U', precedence) FILTER (WHERE sex_code IS NOT NULL))[1] AS sex_code,
    (array_agg(ethnicity_code ORDER BY ethnicity_code IN ('REFU', 'NOBT'), precedence) FILTER (WHERE ethnicity_code IS NOT NULL))[1]
        AS ethnicity_code,
    (array_agg(lsoa21_code ORDER BY precedence) FILTER (WHERE lsoa21_code IS NOT NULL))[1] AS lsoa21_code,
    count(DISTINCT agency_code || '/' || dataset_code)::integer AS source_count,
    bool_or(group_code = 'education') AS is_known_to_education,
    bool_or(group_code = 'social_care') AS is_known_to_social_care,
    bool_or(group_code = 'health') AS is_known_to_health
FROM record
GROUP BY person_key
