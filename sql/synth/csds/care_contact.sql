-- Grain: one contact.
SELECT
    row_number() OVER (ORDER BY contact.day, contact.contact) AS _row, laid._person, contact.contact AS _contact,
    printf('5%011d', contact.contact) AS "CareContactID", laid."ServiceRequestID",
    'T' || open_referral.team || getvariable('ods_code') AS "TeamID_Local", source_date(contact.day) AS "Contact_Date",
    NULL::VARCHAR AS "Contact_Time", laid."OrgID_Commissioner", '01' AS "AdminCategory", contact.minutes::VARCHAR AS "CareContact_Duration",
    CASE WHEN contact.number = 1 THEN '01' ELSE '02' END AS "Consultation_Type",
    CASE WHEN contact.number = 1 THEN '01' ELSE contact.subject END AS "CareContact_Subject", contact.mechanism AS "ConsMechanism",
    contact.location AS "Activity_LocationType", NULL::VARCHAR AS "Treatment_OrgSiteID", 'N' AS "GroupTherapyIndicator",
    contact.attendance AS "AttendanceStatus", NULL::VARCHAR AS "ReasonableOffer_Date", NULL::VARCHAR AS "ClinicallyAppropriate_Date",
    NULL::VARCHAR AS "Contact_CancellationDate", NULL::VARCHAR AS "Contact_CancellationReason",
    NULL::VARCHAR AS "ReplacementAppointment_OfferedDate", NULL::VARCHAR AS "ReplacementAppointment_BookedDate"
FROM world.contact AS contact
JOIN referral AS laid ON laid._referral = contact.referral
JOIN open_referral ON open_referral.referral = contact.referral
WHERE contact.day <= getvariable('snapshot') AND (getvariable('is_first') OR contact.day >= getvariable('window_start'))
