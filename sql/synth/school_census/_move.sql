-- Lookup: pupils who left a school in the year around the census, and the census (1 autumn, 2 spring, 3 summer) that first
-- shows them as leavers. Some of those in year 7 left their primary school in July; some changed school in November or in
-- March; some left the area's schools in March. `lot` is a number drawn for the pupil, the same in every extract.
WITH drawn AS (
    SELECT pupil.person, pupil.school, pupil.school_kind, pupil.nc_year, pupil.entered_on, (pupil.person::BIGINT * 48271) % 2147483647 AS lot
    FROM world.pupil AS pupil JOIN world.person AS person USING (person)
    WHERE NOT person.is_canary AND pupil.school_kind IN ('primary', 'secondary') AND pupil.nc_year NOT IN ('N2', 'R')
),
mover AS (
    SELECT *, CASE
        WHEN nc_year = '7' AND lot % 10 = 0 THEN 1 WHEN nc_year = '7' THEN NULL
        WHEN lot % 90 = 1 THEN 2 WHEN lot % 90 IN (2, 3) THEN 3
    END AS shown_in
    FROM drawn
)
SELECT
    mover.person, mover.lot, mover.shown_in, mover.shown_in = 3 AND mover.lot % 90 = 3 AS is_gone,
    mover.entered_on - CASE mover.shown_in WHEN 1 THEN INTERVAL 7 YEAR ELSE INTERVAL 0 DAY END AS entered_before,
    CASE mover.shown_in
        WHEN 1 THEN make_date(year(getvariable('autumn_day')), 7, 21)
        WHEN 2 THEN make_date(year(getvariable('autumn_day')), 11, 2) + (mover.lot // 90 % 25)::INTEGER
        ELSE make_date(year(getvariable('census_day')), 3, 2) + (mover.lot // 90 % 25)::INTEGER
    END AS left_on,
    CASE WHEN mover.shown_in = 3 AND mover.lot % 90 = 3 THEN mover.school ELSE (
        SELECT arg_min(school.school, ((school.school + 1) * mover.lot) % 999983) FROM world.school AS school
        WHERE school.kind = CASE mover.shown_in WHEN 1 THEN 'primary' ELSE mover.school_kind END AND school.school <> mover.school
    ) END AS earlier_school
FROM mover
WHERE mover.shown_in IS NOT NULL
