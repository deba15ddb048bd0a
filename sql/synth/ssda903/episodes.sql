-- Grain: one episode of being looked after. The placement's postcode is some postcode of the area.
WITH place AS (
    SELECT postcode, row_number() OVER (ORDER BY postcode) AS number, count(*) OVER () AS places FROM world.postcode WHERE number > 0
)
SELECT
    episode._row, child.record AS _record, child.person AS _person, child.number AS _child, child.la_child_id AS "CHILD",
    source_date(episode.began_on) AS "DECOM", episode.why_began AS "RNE", episode.legal_status AS "LS", episode.need AS "CIN",
    episode.placement AS "PLACE", episode.provider AS "PLACE_PROVIDER", source_date(past(episode.ended_on)) AS "DEC",
    CASE WHEN past(episode.ended_on) IS NOT NULL THEN episode.why_ended::VARCHAR END AS "REC", episode.why_moved::VARCHAR AS "REASON_PLACE_CHANGE",
    child.postcode AS "HOME_POST", place.postcode AS "PL_POST", episode.provider_number::VARCHAR AS "URN"
FROM (
    SELECT care_episode.*, row_number() OVER (ORDER BY child_now.number, care_episode.began_on) AS _row
    FROM world.care_episode AS care_episode JOIN child_now USING (person)
) AS episode
JOIN child_now AS child USING (person)
LEFT JOIN place ON place.number = 1 + (episode._row * 7919) % place.places
