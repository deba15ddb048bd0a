-- Grain: one factor found at an assessment that is finished.
SELECT row_number() OVER (ORDER BY _parent, factor) AS _row, _parent, _person, factor AS "."
FROM (
    SELECT assessment._row AS _parent, episode_now.person AS _person, unnest(string_split(episode_now.factors, ',')) AS factor
    FROM cin_assessment AS assessment JOIN episode_now ON episode_now.number = assessment._parent
    WHERE episode_now.authorised_on IS NOT NULL
)
