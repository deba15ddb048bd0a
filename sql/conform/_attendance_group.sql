-- Lookup: the group that an attendance code counts in. Code list attendance_group.
-- Key: attendancereason. Owner: education data team.
-- Working together to improve school attendance (2024): attending a place other than the school is no absence; unable to
-- attend (Q, Y) is not counted as a possible session, nor is a day on which nobody expected the pupil (X, Z, #).
SELECT unnest(string_split(codes, ' ')) AS attendancereason, group_code
FROM (VALUES
    ('/ \ L', 'present'), ('B D J J1 K P V W', 'educational'), ('C C1 C2 E H I M R S T', 'authorised'),
    ('G N O U', 'unauthorised'), ('Q Y Y1 Y2 Y3 Y4 Y5 Y6 Y7', 'unable'), ('X Z #', 'not_counted')
) AS list (codes, group_code)
