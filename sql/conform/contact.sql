-- Grain: one care contact of a referral.
-- Key: agency_code, dataset_code, contact_ref. Owner: health data team.
-- Subject 02 is a proxy (a parent, a teacher): a contact about the patient, not with the patient.
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, carecontactid AS contact_ref, servicerequestid AS referral_ref,
    contact_date, attendancestatus AS attendance_code, carecontact_duration AS minutes,
    coalesce(carecontact_subject, '') <> '02' AS is_with_patient
FROM csds__care_contact
WHERE record_pseudonym IS NOT NULL AND carecontactid IS NOT NULL AND servicerequestid IS NOT NULL AND contact_date IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY agency_code, dataset_code, carecontactid ORDER BY source_row DESC) = 1
