-- Ages are asked of every child in most marts. Each argument is named once here, so that the planner puts the expression
-- in the query's place instead of calling a function for each row. The ages are those they were.
CREATE OR REPLACE FUNCTION core.age_on_31_august(birth_month date, on_date date) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- 31 August and 1 September are as many days before a new year as are added, in every year.
RETURN extract(YEAR FROM on_date + 123)::integer - 1 - extract(YEAR FROM birth_month + 122)::integer;

CREATE OR REPLACE FUNCTION core.age_band(age integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(
    (ARRAY['Under 5', '5 to 10', '11 to 15', '16 to 19', '20 to 25'])[width_bucket(age, ARRAY[-1, 5, 11, 16, 20, 26])], 'Not known'
);
