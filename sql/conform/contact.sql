-- Grain: one care contact of a referral.
-- Key: agency_code, dataset_code, contact_ref. Owner: health data team.
SELECT agency_code, dataset_code, record_pseudonym, submission_key, contact_ref, referral_ref, contact_date, attendance_code,
    minutes, is_with_patient
FROM health_contact
