-- Lookup: sessions of the data team's wide extract, a row for each pupil, school and code. Blank cells have no row.
-- Key: submission_key, source_row, attendancereason. Owner: education data team.
UNPIVOT (
    SELECT
        agency_code, dataset_code, record_pseudonym, submission_key, source_row, estab, period_end,
        present_am AS "/", present_pm AS "\", code_b AS "B", code_j AS "J", code_l AS "L", code_p AS "P", code_v AS "V",
        code_w AS "W", code_c AS "C", code_e AS "E", code_h AS "H", code_i AS "I", code_m AS "M", code_r AS "R", code_s
        AS "S", code_t AS "T", code_g AS "G", code_n AS "N", code_o AS "O", code_u AS "U", code_d AS "D", code_x AS "X",
        code_y AS "Y", code_c1 AS "C1", code_c2 AS "C2", code_j1 AS "J1", code_k AS "K", code_q AS "Q", code_y1 AS "Y1",
        code_y2 AS "Y2", code_y7 AS "Y7"
    FROM flat_attendance__pupil WHERE record_pseudonym IS NOT NULL
)
ON COLUMNS (* EXCLUDE (agency_code, dataset_code, record_pseudonym, submission_key, source_row, estab, period_end))
INTO NAME attendancereason VALUE sessions
