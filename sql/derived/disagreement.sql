-- Where a record says another thing of a child than core.person shows. Which source is believed is decided in one place,
-- sql/integrate/person.sql; what the others say is kept in core.person_record. An answer that is none disagrees with nobody.
DROP VIEW IF EXISTS core.disagreement;
CREATE VIEW core.disagreement AS
SELECT
    record.person_key, said.fact_code, record.agency_code, record.dataset_code, record.record_pseudonym, record.observed_on,
    record.submission_key
FROM core.person_record AS record
JOIN core.person AS person USING (person_key)
CROSS JOIN LATERAL (VALUES
    ('birth_month', record.birth_month::text, person.birth_month::text),
    ('sex', nullif(record.sex_code, 'U'), nullif(person.sex_code, 'U')),
    ('ethnicity_group', nullif(core.ethnicity_group(record.ethnicity_code), 'Not known'),
        nullif(core.ethnicity_group(person.ethnicity_code), 'Not known')),
    ('lsoa', record.lsoa21_code, person.lsoa21_code)
) AS said (fact_code, by_record, shown)
WHERE said.by_record <> said.shown;
COMMENT ON VIEW core.disagreement IS 'Grain: record x fact (birth_month, sex, ethnicity_group, lsoa) on which the record says another thing than core.person shows. The values are in core.person_record. A home may differ because the child moved between two observations.';
