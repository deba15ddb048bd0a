-- question: Which actions of the improvement plan are late or at risk, and how far is the measure from its target?
-- asks: L3
-- role: analyst
-- columns:
--   action_ref: The action's reference in the register
--   theme_code: What it is about
--   owner_role_code: Who answers for it, by role
--   status_code: How it stands
--   due_date: The day it is due
--   baseline: The measure when it began
--   target: What it is to become
--   actual: The measure as last taken
--   to_go: target less actual
--   measured_on: The day it was taken
SELECT
    action_ref,
    theme_code,
    owner_role_code,
    status_code,
    due_date,
    baseline,
    target,
    actual,
    round((target - actual)::numeric, 1) AS to_go,
    measured_on
FROM core.improvement_action
ORDER BY (status_code IN ('late', 'at_risk')) DESC, due_date ASC;
