-- question: Which actions of the improvement plan are late or at risk, and how far is the measure from its target?
-- asks: L3
-- role: analyst
-- columns:
--   action_ref: The action's reference in the register
--   theme: What it is about
--   owner_role: Who answers for it, by role
--   status: How it stands
--   due_date: The day it is due
--   baseline: The measure when it began
--   target: What it is to become
--   actual: The measure as last taken
--   to_go: target less actual
--   measured_on: The day it was taken
SELECT
    action.action_ref,
    coalesce(theme.label, action.theme_code) AS theme,
    coalesce(owner_role.label, action.owner_role_code) AS owner_role,
    coalesce(standing.label, action.status_code) AS status,
    action.due_date,
    action.baseline,
    action.target,
    action.actual,
    round((action.target - action.actual)::numeric, 1) AS to_go,
    action.measured_on
FROM core.improvement_action AS action
LEFT JOIN core.code AS theme ON theme.list_code = 'action_theme' AND action.theme_code = theme.code
LEFT JOIN core.code AS owner_role ON owner_role.list_code = 'owner_role' AND action.owner_role_code = owner_role.code
LEFT JOIN core.code AS standing ON standing.list_code = 'action_status' AND action.status_code = standing.code
ORDER BY (action.status_code IN ('late', 'at_risk')) DESC, action.due_date ASC, action.action_ref ASC;
