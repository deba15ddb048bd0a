-- Pairs of records of one person, on one side of an adoption, with evidence in the files that they are of one person.
-- pipelines/synth/truth.py says what counts as evidence.
WITH known AS (
    SELECT
        shown.*,
        CASE WHEN shown.nhs = CASE shown.identity WHEN 1 THEN person.former_nhs ELSE person.nhs END THEN shown.nhs END AS good_nhs,
        CASE WHEN shown.uln = person.uln THEN shown.uln END AS good_uln,
        list_intersect(
            [shown.upn, shown.former_upn],
            CASE shown.identity WHEN 1 THEN [person.adopted_upn] ELSE [person.upn, person.former_upn] END
        ) AS good_upns,
        regexp_replace(upper(strip_accents(shown.forename)), '[^A-Z]', '', 'g') AS plain_forename,
        list_filter(
            [
                regexp_replace(upper(strip_accents(shown.surname)), '[^A-Z]', '', 'g'),
                regexp_replace(upper(strip_accents(shown.former_surname)), '[^A-Z]', '', 'g')
            ],
            lambda name: name IS NOT NULL
        ) AS plain_surnames,
        try_cast(printf('%04d-%02d-%02d', year(shown.birth), day(shown.birth), month(shown.birth)) AS DATE) AS turned
    FROM evidence AS shown JOIN world.person AS person USING (person)
),
sole AS (
    SELECT birth, sex, postcode FROM evidence
    WHERE birth IS NOT NULL AND sex IS NOT NULL AND postcode IS NOT NULL
    GROUP BY ALL HAVING count(DISTINCT person) = 1
)
SELECT l.record AS l, r.record AS r
FROM known AS l
JOIN known AS r ON l.person = r.person AND l.identity = r.identity AND l.record < r.record
LEFT JOIN sole ON sole.birth = l.birth AND sole.sex = l.sex AND sole.postcode = l.postcode
WHERE l.good_nhs = r.good_nhs
    OR l.good_uln = r.good_uln
    OR list_has_any(list_filter(l.good_upns, lambda upn: upn IS NOT NULL), list_filter(r.good_upns, lambda upn: upn IS NOT NULL))
    OR (l.agency = r.agency AND l.local_number = r.local_number)
    OR (
        damerau_levenshtein(l.plain_forename, r.plain_forename) <= 1
        AND (l.birth = r.birth OR l.turned = r.birth)
        AND (list_has_any(l.plain_surnames, r.plain_surnames) OR l.postcode = r.postcode)
    )
    OR (
        NOT (l.is_named AND r.is_named)
        AND l.birth = r.birth AND l.sex = r.sex AND l.postcode = r.postcode AND sole.birth IS NOT NULL
    )
ORDER BY l, r
