-- question: Are families satisfied, and how many answered?
-- asks: L9
-- role: analyst
-- caveats: [Hidden where fewer than 10 answered.]
-- columns:
--   survey_code: Which survey
--   question: What was asked
--   year: Year of the survey
--   answers_count: Answers other than do not know
--   satisfied_pct: The two best answers per 100 answers
--   response_pct: Returned per 100 invited
WITH answers AS (
    SELECT
        survey_code,
        question_code,
        year,
        sum(respondents) FILTER (WHERE answer_code <> 'NK') AS answers_count,
        sum(respondents) FILTER (WHERE answer_code IN ('4', '5')) AS satisfied_count
    FROM core.survey_answer
    GROUP BY survey_code, question_code, year
)

SELECT
    answers.survey_code,
    coalesce(named.label, answers.question_code) AS question,
    answers.year,
    answers.answers_count,
    round(100.0 * answers.satisfied_count / answers.answers_count, 1) AS satisfied_pct,
    (
        SELECT round(100.0 * sum(sent.returned) / nullif(sum(sent.invited), 0), 1)
        FROM core.survey_response AS sent
        WHERE sent.survey_code = answers.survey_code AND sent.year = answers.year
    ) AS response_pct
FROM answers
LEFT JOIN core.code AS named ON named.list_code = 'survey_question' AND answers.question_code = named.code
WHERE answers.answers_count >= 10
ORDER BY answers.survey_code, answers.year, satisfied_pct, question;
