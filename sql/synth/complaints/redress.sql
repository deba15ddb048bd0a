-- Grain: month x way x stage x subject x outcome, over two years. Appeals grow; most of those heard are decided for the
-- family.
WITH way AS (
    SELECT * FROM (VALUES
        ('complaint', 'lodged', 'delay', 'open', 7.0, 0), ('complaint', 'lodged', 'communication', 'open', 5.0, 0),
        ('complaint', 'lodged', 'provision', 'open', 4.0, 0), ('complaint', 'stage_1', 'delay', 'upheld', 4.5, 19),
        ('complaint', 'stage_1', 'communication', 'partly', 3.0, 17), ('complaint', 'stage_1', 'provision', 'not_upheld', 1.8, 21),
        ('complaint', 'stage_2', 'delay', 'upheld', 0.8, 58), ('complaint', 'ombudsman', 'delay', 'upheld', 0.3, 240),
        ('mediation', 'lodged', 'refuse_to_assess', 'open', 2.6, 0), ('mediation', 'mediated', 'refuse_to_assess', 'agreed', 1.6, 34),
        ('mediation', 'mediated', 'content', 'agreed', 1.0, 41), ('appeal', 'lodged', 'placement', 'open', 3.4, 0),
        ('appeal', 'lodged', 'refuse_to_assess', 'open', 1.7, 0), ('appeal', 'lodged', 'content', 'open', 1.2, 0),
        ('appeal', 'heard', 'placement', 'upheld', 1.3, 310), ('appeal', 'heard', 'refuse_to_assess', 'upheld', 0.5, 290),
        ('appeal', 'closed', 'placement', 'conceded', 1.1, 180), ('appeal', 'closed', 'content', 'withdrawn', 0.4, 150)
    ) AS t (kind, stage, subject, outcome, monthly, days)
),
counted AS (
    SELECT way.*, date_trunc('month', getvariable('month_start') - to_months(back))::DATE AS month, back,
        floor(monthly * getvariable('scale')::DOUBLE * (1.2 - 0.02 * back)
            + (md5_number(kind || stage || subject || back) % 100)::INTEGER / 100.0)::INTEGER AS cases
    FROM way CROSS JOIN (SELECT unnest(range(24)) AS back) AS months
)
SELECT
    row_number() OVER (ORDER BY month, kind, stage, subject, outcome) AS _row, month::VARCHAR AS month, kind, stage, subject, outcome,
    cases::VARCHAR AS cases, CASE WHEN stage <> 'lodged' THEN days::VARCHAR END AS median_days, NULL::VARCHAR AS summary
FROM counted WHERE cases > 0
