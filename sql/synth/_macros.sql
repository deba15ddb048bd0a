-- How extracts write dates, numbers and keys. `salt` and `date_format` are set for each extract.
-- The collection system's own text files; the same return as a template or XML has ISO dates, 0 and 1, plain numbers.
CREATE MACRO is_blade() AS getvariable('form') = 'csv';
CREATE MACRO blade_date(day) AS strftime(day, CASE WHEN is_blade() THEN '%Y-%b-%d 00:00:00' ELSE '%Y-%m-%d' END);
CREATE MACRO blade_bool(value) AS
    CASE value WHEN TRUE THEN CASE WHEN is_blade() THEN 'True' ELSE '1' END WHEN FALSE THEN CASE WHEN is_blade() THEN 'False' ELSE '0' END END;
CREATE MACRO blade_int(number) AS CASE WHEN is_blade() THEN number || '.0' ELSE number::VARCHAR END;
CREATE MACRO source_date(day) AS strftime(day, getvariable('date_format'));
-- A number for each number below 10^8 that tells nothing of it; another one for each agency.
CREATE MACRO scrambled(number, who) AS (number::HUGEINT * 48271393 + (md5_number(who) % 100000000)::HUGEINT) % 100000000;
-- A surrogate key of an export: eight and three hexadecimal digits, never the same twice, new in every export.
CREATE MACRO export_key(number, kind) AS regexp_replace(
    lower(to_base(
        ((number::HUGEINT * 7364839251773 + (md5_number(kind || getvariable('salt')) % 17592186044416)::HUGEINT) % 17592186044416)::BIGINT, 16, 11
    )), '^(.{8})', '\1-');
CREATE MACRO blade_day(text) AS try_strptime(text, CASE WHEN is_blade() THEN '%Y-%b-%d 00:00:00' ELSE '%Y-%m-%d' END)::DATE;
CREATE MACRO source_day(text) AS try_strptime(text, getvariable('date_format'))::DATE;
-- Whole years on the 31 August before the end of the period.
CREATE MACRO age_in_august(day) AS year(getvariable('last_august')::DATE) - year(day) - (month(day) > 8)::INTEGER;
-- An identifier of digits whose last one is typed wrongly.
CREATE MACRO wrong_at_the_end(text) AS left(text, -1) || ((right(text, 1)::INTEGER + 1) % 10)::VARCHAR;
-- How the department writes in its downloads, and its own pseudonym of a pupil, the same in all of them.
CREATE MACRO academic_year(ends) AS (ends - 1) || '/' || ends;
CREATE MACRO one_or_nought(value) AS CASE WHEN value THEN '1' ELSE '0' END;
CREATE MACRO goal_reached(score) AS CASE WHEN score > 0 THEN '2' ELSE '1' END;
CREATE MACRO dfe_reference(number) AS 'R' || upper(to_base(scrambled(number, 'department')::BIGINT + 100000000, 36, 6));
CREATE MACRO person_id(number) AS printf('P%08d', number);
-- The general practice of a small area: four areas share one.
CREATE MACRO practice_of(lsoa) AS printf('N8%04d', 9000 + right(lsoa, 4)::INTEGER // 4);
-- A day, where it had come by the day of the extract.
CREATE MACRO past(day) AS CASE WHEN day <= getvariable('snapshot') THEN day END;

-- So many days after a birth; never the birthday of the planted child, which is to stand in no other child's row.
CREATE MACRO after_birth(birth, days) AS birth + days + (birth + days IS NOT DISTINCT FROM getvariable('canary_birth'))::INTEGER;
