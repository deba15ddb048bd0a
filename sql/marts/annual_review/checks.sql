-- Each statement returns the rows that must not be. Owner: SEND data team.

-- check: parts are all of their whole
SELECT * FROM mart.annual_review
WHERE reviewed_count + overdue_count <> due_count OR due_count > plans_count OR never_reviewed_count > overdue_count;

-- check: age bands add up to the total
SELECT part.breakdown_topic, sum(part.plans_count) FROM mart.annual_review AS part GROUP BY part.breakdown_topic
HAVING sum(part.plans_count) <> (SELECT sum(whole.plans_count) FROM mart.annual_review AS whole WHERE whole.breakdown_topic = 'Total');
