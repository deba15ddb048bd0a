-- Grain: survey x question x group x health place x answer, shared out over the five answers by how content the group is.
WITH asked AS (
    SELECT * FROM (VALUES ('overall', 0.0), ('plan_helps', 0.2), ('listened_to', -0.1), ('information', -0.3), ('school', 0.45), ('health', -0.4),
        ('social_care', -0.2), ('joint_working', -0.55), ('confidence', -0.45)) AS t (question, leaning)
),
share AS (
    SELECT * FROM (VALUES ('1', 0.16, -0.5), ('2', 0.22, -0.3), ('3', 0.20, 0.0), ('4', 0.27, 0.3), ('5', 0.11, 0.5), ('NK', 0.04, 0.0))
        AS t (answer, part, pull)
),
counted AS (
    SELECT "group".*, question, answer, round(returned * part * exp(pull * 2 * (mood + leaning)))::INTEGER AS respondents
    FROM "group" CROSS JOIN asked CROSS JOIN share
)
SELECT
    row_number() OVER (ORDER BY survey, question, respondent_group, health_place, answer) AS _row,
    survey, question, respondent_group, health_place, answer, respondents::VARCHAR AS respondents,
    NULL::VARCHAR AS "comment"
FROM counted
