-- Lookup: the schools of an authority as their returns in the school census name them, by the number within it.
-- Key: agency_code, estab. Owner: education data team.
-- A number that two authorities in one census use names no school.
SELECT agency_code, estab, any_value(lea) || estab AS school_number, arg_max(urn, (period_end, source_row)) AS provider_urn
FROM school_census__schoolcensus
GROUP BY agency_code, estab HAVING min(lea) = max(lea)
