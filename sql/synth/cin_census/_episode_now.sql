-- Lookup: episodes in the order of the file, with what had happened by the day of the extract.
SELECT
    episode.* REPLACE (
        past(episode.closed_on) AS closed_on, CASE WHEN past(episode.closed_on) IS NOT NULL THEN episode.closure END AS closure,
        past(episode.assessed_on) AS assessed_on, past(episode.authorised_on) AS authorised_on, past(episode.plan_on) AS plan_on,
        past(episode.enquiry_on) AS enquiry_on, past(episode.conference_on) AS conference_on,
        past(episode.protected_on) AS protected_on
    ),
    row_number() OVER (ORDER BY child.number, episode.referred_on) AS number
FROM world.episode AS episode JOIN child_now AS child USING (person)
WHERE episode.referred_on <= getvariable('snapshot')
