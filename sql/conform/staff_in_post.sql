-- Grain: provider x service x profession x month.
-- Key: provider_code, service_code, profession_code, month. Owner: health data team.
-- A month told again in a later period is told better there.
SELECT
    provider AS provider_code, service AS service_code, profession AS profession_code, date_trunc('month', month)::DATE AS month,
    wte_funded, wte_in_post, vacancies AS vacancy_count, submission_key
FROM staff_in_post__staff
WHERE provider IS NOT NULL AND service IS NOT NULL AND profession IS NOT NULL AND month IS NOT NULL AND wte_in_post IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY provider, service, profession, date_trunc('month', month) ORDER BY period_end DESC, agency_code, source_row DESC
) = 1
