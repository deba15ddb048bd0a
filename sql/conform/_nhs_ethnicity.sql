-- Lookup: ethnic category of the NHS (2001 census codes) -> main code of the education departments.
-- Key: nhs_code. Owner: data team.
-- Source: NHS Data Dictionary "ethnic category", DfE common basic data set. Z is asked and declined, 99 is not known.
SELECT * FROM (VALUES
    ('A', 'WBRI'), ('B', 'WIRI'), ('C', 'WOTH'), ('D', 'MWBC'), ('E', 'MWBA'), ('F', 'MWAS'), ('G', 'MOTH'),
    ('H', 'AIND'), ('J', 'APKN'), ('K', 'ABAN'), ('L', 'AOTH'), ('M', 'BCRB'), ('N', 'BAFR'), ('P', 'BOTH'),
    ('R', 'CHNE'), ('S', 'OOTH'), ('Z', 'REFU'), ('99', 'NOBT')
) AS lookup (nhs_code, ethnicity_code)
