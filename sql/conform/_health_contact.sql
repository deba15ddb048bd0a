-- Lookup: each contact with a health provider as the last period that carries it tells it.
-- Key: agency_code, dataset_code, contact_ref. Owner: health data team.
-- Subject 02 is a proxy (a parent, a teacher): a contact about the patient, not with the patient.
WITH told AS (
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, period_end, source_row, carecontactid AS contact_ref,
        servicerequestid AS referral_ref, contact_date, attendancestatus AS attendance_code, carecontact_duration AS minutes,
        coalesce(carecontact_subject, '') <> '02' AS is_with_patient
    FROM csds__care_contact
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, period_end, source_row, carecontactid, servicerequestid,
        carecontdate, attendstatus, clincontdurofcarecont, coalesce(carecontsubj, '') <> '02'
    FROM mhsds__care_contact
)
SELECT * FROM told
WHERE record_pseudonym IS NOT NULL AND contact_ref IS NOT NULL AND referral_ref IS NOT NULL AND contact_date IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY agency_code, dataset_code, contact_ref ORDER BY period_end DESC, source_row DESC) = 1
