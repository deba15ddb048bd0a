-- question: For which needs does nobody's record show the help that health would give?
-- asks: L10
-- role: commissioner
-- caveats: ["No referral is never proof of no need, nor of no help: help in school without a referral is not seen."]
SELECT
    need_name,
    service_name,
    children_count,
    met_count,
    unmet_count,
    unmet_pct,
    rejected_count,
    data_as_at
FROM partnership.unmet_need
WHERE health_place_code = 'ALL'
ORDER BY unmet_count DESC NULLS LAST;
