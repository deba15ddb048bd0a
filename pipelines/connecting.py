"""Files that let other programs find the warehouse: Power BI, Excel, psql. None of them holds a password."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from pipelines.ledger.database import url
from pipelines.settings import Settings

SERVICE = "joint_needs"
_ODC = """<html xmlns:o="urn:schemas-microsoft-com:office:office" xmlns="http://www.w3.org/TR/REC-html40">
<head>
<meta http-equiv="Content-Type" content="text/x-ms-odc; charset=utf-8">
<meta name="ProgId" content="ODC.Database">
<meta name="SourceType" content="ODBC">
<title>Joint Needs</title>
<xml id="docprops"><o:DocumentProperties>
<o:Description>The warehouse of Joint Needs, as {role}</o:Description>
</o:DocumentProperties></xml>
<xml id="msodc"><odc:OfficeDataConnection xmlns:odc="urn:schemas-microsoft-com:office:odc">
<odc:Connection odc:Type="ODBC">
<odc:ConnectionString>{connection}</odc:ConnectionString>
<odc:CommandType>SQL</odc:CommandType>
<odc:CommandText>SELECT * FROM {schema}.needs_prevalence</odc:CommandText>
</odc:Connection>
</odc:OfficeDataConnection></xml>
</head>
<body><p>Open this file in Excel to read from the Joint Needs warehouse.</p></body>
</html>
"""
_MARTS = """SELECT relname AS mart, obj_description(oid) AS what FROM pg_class
WHERE relnamespace = to_regnamespace('partnership') AND relkind = 'r' ORDER BY 1;"""
_AGE = "SELECT agency_name, dataset_title, data_as_at, age_days FROM partnership.data_quality ORDER BY age_days DESC;"
_PSQLRC = rf"""-- For the warehouse of Joint Needs: `PSQLRC=psqlrc psql service=joint_needs`.
\set QUIET 1
\pset null '-'
\pset linestyle unicode
\x auto
\set PROMPT1 '%n@%/%R%# '
SET search_path = partnership, mart, core;
\set marts '{_MARTS.replace(chr(10), " ").replace("'", "''")}'
\set age '{_AGE}'
\unset QUIET
\echo 'Joint Needs. :marts lists the marts, :age says how old the data are, \\d+ NAME what each column means.'
"""


def address(settings: Settings, role: str) -> str:
    """The address of the warehouse for a role, without its password."""
    parts = urlsplit(url(settings, role))
    user = f"{parts.username}@" if parts.username else ""
    return f"postgresql://{user}{parts.hostname or ''}:{parts.port or 5432}{parts.path}"


def write(settings: Settings, role: str, folder: Path) -> list[Path]:
    """Write the files into a folder, in place of those of an earlier time; their paths.

    `joint-needs.pbids` for Power BI Desktop, `joint-needs.odc` for Excel with the ODBC driver, `pg_service.conf`
    and `psqlrc` for psql.
    """
    parts = urlsplit(address(settings, role))
    host, port, database = parts.hostname or "", parts.port or 5432, unquote(parts.path.lstrip("/"))
    user = unquote(parts.username or "")
    schema = "partnership" if role == "commissioner" else "mart"
    source = {
        "details": {"protocol": "postgresql", "address": {"server": f"{host}:{port}", "database": database}},
        "options": {},
        "mode": "DirectQuery",
    }
    driver = "Driver={PostgreSQL Unicode(x64)}"
    odbc = f"{driver};Server={host};Port={port};Database={database};Uid={user};SSLmode=prefer;ReadOnly=1;"
    service = f"[{SERVICE}]\nhost={host}\nport={port}\ndbname={database}\nuser={user}\n"
    texts = {
        "joint-needs.pbids": json.dumps({"version": "0.1", "connections": [source]}, indent=2) + "\n",
        "joint-needs.odc": _ODC.format(role=escape(role), connection=escape(odbc), schema=schema),
        "pg_service.conf": service,
        "psqlrc": _PSQLRC,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [folder / name for name in texts]
