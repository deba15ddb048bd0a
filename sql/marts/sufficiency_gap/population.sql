-- Residents aged 0 to 25 by mid-year. Grain: health place x age x year. Owner: sufficiency.
SELECT g.health_place_code, p.age, p.year, sum(p.persons)::int AS residents
FROM core.population AS p
INNER JOIN core.geography AS g USING (lsoa21_code)
WHERE p.age BETWEEN 0 AND 25
GROUP BY 1, 2, 3;
