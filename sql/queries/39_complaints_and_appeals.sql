-- question: What do families complain of and appeal against, and how often are they right?
-- asks: L9
-- role: analyst
-- caveats: [The last twelve months of the register; what is decided in them was often received before.]
-- columns:
--   kind: Complaint, mediation or appeal
--   subject: What it is about
--   received_count: Received or registered
--   decided_count: "Answered, mediated, heard or closed"
--   for_family_count: Those upheld wholly or in part, agreed or conceded
--   for_family_pct: for_family_count per 100 of decided_count
WITH year AS (
    SELECT
        kind_code,
        subject_code,
        cases,
        stage_code IN ('lodged') AS is_received,
        outcome_code IN ('upheld', 'partly', 'agreed', 'conceded') AS is_for_family
    FROM core.redress
    WHERE month > (SELECT max(register.month) FROM core.redress AS register) - interval '12 months'
)

SELECT
    kind.label AS kind,
    subject.label AS subject,
    coalesce(sum(year.cases) FILTER (WHERE year.is_received), 0) AS received_count,
    coalesce(sum(year.cases) FILTER (WHERE NOT year.is_received), 0) AS decided_count,
    coalesce(sum(year.cases) FILTER (WHERE NOT year.is_received AND year.is_for_family), 0) AS for_family_count,
    round(
        100.0 * coalesce(sum(year.cases) FILTER (WHERE NOT year.is_received AND year.is_for_family), 0)
        / nullif(sum(year.cases) FILTER (WHERE NOT year.is_received), 0), 1
    ) AS for_family_pct
FROM year
INNER JOIN core.code AS kind ON kind.list_code = 'redress_kind' AND year.kind_code = kind.code
INNER JOIN core.code AS subject ON subject.list_code = 'redress_subject' AND year.subject_code = subject.code
GROUP BY kind.label, subject.label
ORDER BY kind.label ASC, received_count DESC, subject.label ASC;
