-- Grain: one episode of being looked after: one legal status and one placement.
-- Key: agency_code, dataset_code, record_pseudonym, start_date. Owner: social care data team.
-- The latest return that holds the episode tells how it went on. Short breaks are V3 and V4.
SELECT
    episode.agency_code, episode.dataset_code, episode.record_pseudonym, episode.submission_key, episode.decom AS start_date,
    episode.dec AS end_date, episode.rne AS start_reason_code, episode.rec AS end_reason_code, episode.ls AS legal_status_code,
    episode.cin AS need_code, episode.place AS placement_code, episode.place_provider AS placement_provider_code,
    episode.urn AS placement_urn, episode.reason_place_change AS placement_change_code, episode.pl_post_km AS placement_distance_km,
    coalesce(episode.ls IN ('V3', 'V4'), FALSE) AS is_short_break
FROM ssda903__episodes AS episode
LEFT JOIN newest_return AS newest USING (submission_key)
WHERE episode.record_pseudonym IS NOT NULL AND episode.decom IS NOT NULL
    AND (newest.submission_key IS NOT NULL OR episode.dec IS NOT NULL)
QUALIFY row_number() OVER (
    PARTITION BY episode.agency_code, episode.dataset_code, episode.record_pseudonym, episode.decom
    ORDER BY episode.period_end DESC, episode.dec IS NULL, episode.source_row DESC
) = 1
