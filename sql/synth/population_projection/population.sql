-- Grain: LSOA x year x age x sex. Each age band grows by its own rate; rounded so that sums over LSOAs stay true.
WITH cell AS (
    SELECT small_area.lsoa, age.age, sex.sex, growth.rate
    FROM world.small_area AS small_area
    CROSS JOIN (SELECT unnest(range(0, 26)) AS age) AS age
    CROSS JOIN (SELECT unnest(['F', 'M']) AS sex) AS sex
    JOIN world.growth AS growth ON age.age BETWEEN growth.low AND growth.high
),
counted AS (SELECT lsoa, age, sex, count(*) AS residents FROM world.person GROUP BY ALL),
grown AS (
    SELECT cell.*, year(getvariable('as_of')) + ahead.ahead AS year,
        coalesce(residents, 0) * (1 + rate) ** ahead.ahead AS expected
    FROM cell
    LEFT JOIN counted USING (lsoa, age, sex)
    CROSS JOIN (SELECT unnest(range(0, getvariable('projected_years'))) AS ahead) AS ahead
),
summed AS (
    SELECT *, sum(expected) OVER (PARTITION BY year, age, sex ORDER BY lsoa ROWS UNBOUNDED PRECEDING) AS so_far FROM grown
)
SELECT
    row_number() OVER (ORDER BY lsoa, year, age, sex) AS _row, lsoa AS lsoa21, year::VARCHAR AS year, age::VARCHAR AS age, sex,
    (floor(round(so_far, 6) + 0.5) - floor(round(so_far - expected, 6) + 0.5))::INTEGER::VARCHAR AS persons
FROM summed
