-- Grain: one review of a protection plan: three months after its start, then every half year.
SELECT row_number() OVER (ORDER BY _parent, reviewed_on) AS _row, _parent, _person, reviewed_on::VARCHAR AS "."
FROM (
    SELECT _row AS _parent, _person,
        unnest(generate_series("CPPstartDate"::DATE + INTERVAL 85 DAY, getvariable('snapshot'), INTERVAL 175 DAY))::DATE AS reviewed_on
    FROM child_protection_plan
)
