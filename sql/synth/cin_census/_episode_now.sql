-- Lookup: episodes in the order of the file.
SELECT episode.*, row_number() OVER (ORDER BY child.number, episode.referred_on) AS number
FROM world.episode AS episode JOIN child_now AS child USING (person)
