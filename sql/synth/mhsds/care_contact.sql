-- Grain: one contact.
SELECT
    row_number() OVER (ORDER BY contact.day, contact.contact) AS _row, laid._person, contact.contact AS _contact,
    printf('CC%010d', contact.contact) AS "CareContactID", laid."ServiceRequestID", source_date(contact.day) AS "CareContDate",
    NULL::VARCHAR AS "CareContTime", NULL::VARCHAR AS "OtherCareProfTeamLocalID", laid."OrgIDComm", '01' AS "AdminCatCode",
    NULL::VARCHAR AS "SpecialisedMHServiceCode", contact.minutes::VARCHAR AS "ClinContDurOfCareCont",
    CASE WHEN contact.number = 1 THEN '01' ELSE '02' END AS "ConsType",
    CASE WHEN contact.number = 1 THEN '01' ELSE contact.subject END AS "CareContSubj", contact.mechanism AS "ConsMechanismMH",
    contact.location AS "ActLocTypeCode", 'N' AS "PlaceOfSafetyInd", NULL::VARCHAR AS "SiteIDOfTreat",
    NULL::VARCHAR AS "LanguageCodeTreat", NULL::VARCHAR AS "InterpreterPresentInd",
    NULL::VARCHAR AS "ComPeriMHPartAssessOfferInd", 'Y' AS "PlannedCareContIndicator",
    NULL::VARCHAR AS "CareContPatientTherMode", contact.attendance AS "AttendStatus",
    NULL::VARCHAR AS "EarliestReasonOfferDate", NULL::VARCHAR AS "EarliestClinAppDate", NULL::VARCHAR AS "CareContCancelDate",
    NULL::VARCHAR AS "CareContCancelReas", NULL::VARCHAR AS "ReasonableAdjustmentMade",
    NULL::VARCHAR AS "ReasonPatientNoIMCA", NULL::VARCHAR AS "ReasonPatientNoIMHA"
FROM world.mental_contact AS contact
JOIN referral AS laid ON laid._referral = contact.referral
WHERE contact.day <= getvariable('snapshot') AND (getvariable('is_first') OR contact.day >= getvariable('window_start'))
