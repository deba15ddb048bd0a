-- Grain: one period in which a pupil was eligible for free school meals: more of them where the home is in a deprived area.
WITH drawn AS (
    SELECT pupil.*, person.decile, (person.person::BIGINT * 69621) % 2147483647 AS lot, world_pupil.entered_on
    FROM pupilonroll AS pupil
    JOIN world.person AS person ON person.person = pupil._person
    JOIN world.pupil AS world_pupil ON world_pupil.person = pupil._person
    WHERE pupil._copy = 0
),
eligible AS (
    SELECT *, entered_on + (lot // 100 % 400)::INTEGER AS began_on FROM drawn
    WHERE lot % 100 < CASE WHEN decile <= 2 THEN 46 WHEN decile <= 5 THEN 20 ELSE 7 END
),
period AS (
    SELECT *, CASE WHEN lot % 4 = 0 THEN began_on + 180 + (lot // 400 % 500)::INTEGER END AS ended_on FROM eligible
    WHERE began_on <= getvariable('snapshot')
)
SELECT
    row_number() OVER (ORDER BY _row) AS _row, _person, pupilonrolltableid, "NativeId", export_key(_row, 'fsmperiod') AS fsmperiodtableid,
    '1' AS fsmperiodorderseqcolumn, sourceid, blade_date(began_on) AS fsmstartdate,
    CASE WHEN ended_on <= getvariable('snapshot') THEN blade_date(ended_on) END AS fsmenddate, 'ENG' AS ukcountry
FROM period
