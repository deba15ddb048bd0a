-- Grain: one action of the improvement plan.
-- Key: action_ref. Owner: local area partnership.
SELECT
    action_ref, theme AS theme_code, owner_role AS owner_role_code, start_date, due_date, completed_date, status AS status_code,
    measure AS measure_code, baseline, target, actual, measured_date AS measured_on, submission_key
FROM improvement_actions__action
WHERE action_ref IS NOT NULL AND theme IS NOT NULL AND owner_role IS NOT NULL AND due_date IS NOT NULL AND status IS NOT NULL
    AND measure IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY action_ref ORDER BY period_end DESC, agency_code, source_row DESC) = 1
