-- Grain: one action of the plan.
WITH planned AS (
    SELECT * FROM (VALUES
        ('A-1', 'timeliness', 'send_head', 400, 120, 'on_track', 'within_20_weeks_pct', 41.0, 70.0, 53.1),
        ('A-2', 'timeliness', 'dco', 380, 30, 'at_risk', 'health_advice_in_6_weeks_pct', 48.0, 90.0, 61.0),
        ('A-3', 'plan_quality', 'send_head', 380, 200, 'on_track', 'plans_rated_good_pct', 32.0, 75.0, 51.0),
        ('A-4', 'health_oversight', 'icb_lead', 420, -60, 'done', 'sessions_of_the_clinical_officer', 2.0, 5.0, 5.0),
        ('A-5', 'co_production', 'forum', 300, 150, 'on_track', 'listened_to_pct', 38.0, 60.0, 41.0),
        ('A-6', 'commissioning', 'commissioner', 350, 90, 'late', 'over_18_weeks_therapy_pct', 44.0, 15.0, 40.0),
        ('A-7', 'commissioning', 'trust_lead', 350, 240, 'at_risk', 'over_52_weeks_paediatrics', 210.0, 0.0, 168.0),
        ('A-8', 'sufficiency', 'commissioner', 500, 600, 'on_track', 'places_short_semh', 36.0, 0.0, 36.0),
        ('A-9', 'progress', 'head_teachers', 330, 270, 'on_track', 'rwm_expected_with_plan_pct', 8.0, 12.0, 9.0),
        ('A-10', 'progress', 'head_teachers', 330, -20, 'done', 'absence_with_plan_pct', 13.9, 10.0, 12.4),
        ('A-11', 'data', 'dcs', 210, -90, 'evidenced', 'match_rate_pct', 80.0, 97.0, 98.0),
        ('A-12', 'progress', 'social_care_head', 200, 160, 'not_started', 'neet_with_plan_pct', 10.5, 7.0, 9.8)
    ) AS t (action_ref, theme, owner_role, agreed, due_in, status, measure, baseline, target, actual)
)
SELECT
    row_number() OVER (ORDER BY agreed DESC, action_ref) AS _row, action_ref, theme, owner_role, (getvariable('snapshot') - agreed)::VARCHAR AS start_date,
    (getvariable('snapshot') + due_in)::VARCHAR AS due_date,
    CASE WHEN status IN ('done', 'evidenced') THEN (getvariable('snapshot') + due_in - 15)::VARCHAR END AS completed_date, status, measure,
    baseline::VARCHAR AS baseline, target::VARCHAR AS target, actual::VARCHAR AS actual, (getvariable('snapshot') - 20)::VARCHAR AS measured_date,
    'See the plan' AS "action", NULL::VARCHAR AS owner_name, NULL::VARCHAR AS owner_email, NULL::VARCHAR AS evidence
FROM planned
