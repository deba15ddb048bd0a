"""Whose rows a reader sees: two areas in one warehouse, asked as each login of docs/who-sees-what.md really logs in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from pipelines import queries
from pipelines.integrate import areas
from pipelines.ledger.database import connect
from pipelines.ledger.migrate import migrate
from pipelines.local import postgres
from pipelines.settings import Settings
from tests.conftest import fresh
from tests.ledger.test_grants import PAGE

Connection = psycopg.Connection[Any]
KINDS = ("home in MS", "home in NP", "home unknown or outside", "record tied to nobody")
KEYS = [f"00000000-0000-0000-0000-00000000000{n}" for n in range(1, 5)]
# A child of each kind, with its home; the council sent of each of them a record, and the trust another.
CHILDREN = dict(zip(KINDS, (*zip(KEYS, ("E1", "E2", "E9"), strict=False), (None, "E1")), strict=True))
# Lists which source has rows in which table, and nothing of a child.
OPEN_VIEWS = {"spoken_of"}
# Where every row is of a person.
TIED = ("person", "key_draw")
_ABOUT_PEOPLE = """SELECT n.nspname, c.relname, array_agg(a.attname::text) AS columns, c.relkind::text
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relname <> 'seen_person'
    GROUP BY 1, 2, 4 HAVING bool_or(a.attname IN ('person_key', 'record_pseudonym')) ORDER BY 1, 2"""


def told() -> dict[str, dict[str, str]]:
    """Login -> kind of child -> what the page says."""
    text = PAGE.read_text().split("## Whose rows")[1]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:2] == "| "]
    assert tuple(lines[0][1:]) == KINDS
    return {line[0]: dict(zip(KINDS, line[1:], strict=True)) for line in lines[1:]}


def fill(owner: Connection, schema: str, table: str) -> None:
    """A row of each child from each of two agencies in a table of core, or in its history; the checks of values go."""
    columns = owner.execute(
        """SELECT column_name, data_type, column_default IS NOT NULL AND data_type <> 'boolean'
           FROM information_schema.columns WHERE table_schema = %s AND table_name = %s""", (schema, table),
    ).fetchall()  # fmt: skip
    checks = "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass"
    for (name,) in owner.execute(checks, (f"{schema}.{table}",)).fetchall():
        owner.execute(f"ALTER TABLE {schema}.{table} DROP CONSTRAINT {name}")  # type: ignore[call-overload]
    for number, (person, home) in enumerate(CHILDREN.values()):
        for agency in ("council", "trust"):
            known = {"person_key": person, "agency_code": agency, "dataset_code": "d", "lsoa21_code": home,
                     "record_pseudonym": f"r{number}", "valid_from": "2020-01-01", "valid_to": None,
                     "recorded_from": "2020-01-01", "recorded_to": "infinity", "status_code": "E", "placement_rank": 1,
                     "birth_month": f"20{10 + number}-01-01", "home_area_code": None}  # fmt: skip
            if schema == "core_history" and person:
                known["home_area_code"] = {"E1": "MS", "E2": "NP"}.get(str(home))
            by_type = {"date": "2025-01-01", "text": f"{number}{agency}", "boolean": True}
            row = {name: known.get(name, by_type.get(type_, number)) for name, type_, has in columns
                   if name in known or not has}  # fmt: skip
            if (person is None and table in TIED) or (table, agency) == ("person", "trust"):
                continue
            cells = ", ".join(f"%({name})s" for name in row)
            owner.execute(f"INSERT INTO {schema}.{table} ({', '.join(row)}) VALUES ({cells})", row)  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def area(server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A warehouse of two areas: every table about people full, one of them made after the first grants."""
    with fresh(server, tmp_path_factory.mktemp("rows")) as settings, connect(settings) as owner:
        owner.execute("CREATE TABLE core.made_later (LIKE core.referral)")
        owner.commit()
        migrate(owner)
        owner.execute(
            """INSERT INTO core.geography VALUES ('E1', 'a', 'W1', 'w', 'MS', 'South', 1, 1),
                   ('E2', 'b', 'W2', 'x', 'NP', 'North', 2, 1);
               INSERT INTO core.source SELECT agency, 'd', 'education', agency, 'D', TRUE, 1, now(), now(), now()
               FROM unnest('{council,trust}'::text[]) AS agency"""
        )
        for schema, table, _, kind in owner.execute(_ABOUT_PEOPLE, (["core", "core_history"],)).fetchall():
            if kind == "r":
                fill(owner, schema, table)
        # Where the trust says another thing of a child than is shown.
        owner.execute(
            "UPDATE core.person_record SET sex_code = 'F', birth_month = '2019-01-01' WHERE agency_code = 'trust'"
        )
        areas.follow(owner)
        owner.commit()
        yield settings


@pytest.fixture(scope="module")
def sessions(server: postgres.Server, area: Settings) -> Iterator[dict[str, Connection]]:
    """The logins of the page, open."""
    database = str(area.database_url).rpartition("/")[2]
    with ExitStack() as stack:
        admin = stack.enter_context(psycopg.connect(server.url("postgres", "postgres"), autocommit=True))
        found = {"the owner": stack.enter_context(connect(area))}
        for number, who in enumerate(told()):
            named = re.findall(r"`(\w+)`", who)
            if who.startswith("analyst"):
                login = f"reader_{number}_{database[-6:]}"
                made = {name for (name,) in admin.execute("SELECT rolname FROM pg_roles").fetchall()}
                for role in set(named) - made:
                    admin.execute(f"CREATE ROLE {role}")  # type: ignore[call-overload]
                    stack.callback(admin.execute, f"DROP ROLE {role}")
                stack.callback(admin.execute, f"DROP ROLE {login}")
                admin.execute(
                    f"CREATE ROLE {login} LOGIN PASSWORD 'made-here' IN ROLE {', '.join(['analyst', *named])}"
                )  # type: ignore[call-overload]
                address = re.sub("//[^@]+@", f"//{login}:made-here@", server.url("analyst", database))
                found[who] = stack.enter_context(psycopg.connect(address, autocommit=True))
            elif named:
                address = server.url(named[0], database)
                found[who] = stack.enter_context(psycopg.connect(address, autocommit=True))
        assert set(found) == set(told())
        yield found


def rows(connection: Connection, relation: str, columns: list[str]) -> Counter[tuple[Any, ...]]:
    names = [name for name in ("person_key", "record_pseudonym", "agency_code") if name in columns]
    made = [f"{name}::text" if name in names else "NULL" for name in ("person_key", "record_pseudonym", "agency_code")]
    return Counter(connection.execute(f"SELECT {', '.join(made)} FROM {relation}").fetchall())  # type: ignore[call-overload]


def kind_of(row: tuple[Any, ...]) -> str:
    return KINDS[KEYS.index(row[0]) if row[0] else 3]


def test_every_row_about_people_is_seen_as_the_page_says(area: Settings, sessions: dict[str, Connection]):
    """Login by login, table by table and view by view, row by row, the past among them."""
    owner = sessions["the owner"]
    about = owner.execute(_ABOUT_PEOPLE, (["core", "core_known"],)).fetchall()
    assert {"made_later", "person", "person_profile", "key_draw", "home_spell"} <= {row[1] for row in about}
    wrong = []
    for schema, table, columns, kind in about:
        relation = f"{schema}.{table}"
        every = rows(owner, relation, columns)
        kinds = {kind_of(row) for row in every}
        assert kinds >= set(KINDS[:2]) and (kind == "v" or table in TIED or kinds == set(KINDS)), relation
        for who, lines in told().items():
            if who == "`loader`" and schema == "core_known":
                continue
            own = "council" if "agency_council" in who else None
            expected = Counter(
                {row: count for row, count in every.items()
                 if lines[kind_of(row)] == "r" or (lines[kind_of(row)] == "own" and row[2] == own)}
            )  # fmt: skip
            if (found := rows(sessions[who], relation, columns)) != expected:
                wrong.append(f"{who}, {relation}: {sum(found.values())} rows, not {sum(expected.values())}")
    assert wrong == []


def test_setting_a_role_shows_no_more(sessions: dict[str, Connection]):
    login = sessions["analyst with `area_ms`"]
    login.execute("SET ROLE analyst")
    assert login.execute("SELECT count(DISTINCT person_key) FROM core.referral").fetchone() == (1,)
    login.execute("RESET ROLE")


def test_no_expression_reads_a_row_before_the_rule_does(sessions: dict[str, Connection]):
    """What fails on another area's rows would tell of them."""
    login = sessions["analyst with `area_ms`"]
    for relation in ("core.person_profile", "core_known.referral", "core.person_need", "core.referral"):
        of_another = f"1 / (person_key <> '{KEYS[1]}')::integer = 1"
        assert login.execute(f"SELECT count(*) FROM {relation} WHERE {of_another}").fetchone()[0], relation  # type: ignore[call-overload,index]
    with pytest.raises(psycopg.errors.DivisionByZero):
        sessions["analyst with `area_np`"].execute(f"SELECT FROM core.referral WHERE {of_another}")  # type: ignore[call-overload]


def test_nothing_that_reads_people_is_forgotten(sessions: dict[str, Connection]):
    """Tables with their policy; views with the rule in them, or in the name of who asks."""
    owner = sessions["the owner"]
    found = owner.execute(
        """WITH RECURSIVE below AS (
               SELECT rule.ev_class AS oid, part.refobjid AS reads FROM pg_rewrite AS rule
               JOIN pg_depend AS part ON part.objid = rule.oid AND part.classid = 'pg_rewrite'::regclass
                   AND part.refclassid = 'pg_class'::regclass
           ), people AS (
               SELECT DISTINCT attrelid AS oid FROM pg_attribute WHERE attname IN ('person_key', 'record_pseudonym')
           )
           SELECT c.relname, c.relkind::text, c.relrowsecurity,
               coalesce(c.reloptions && '{security_barrier=true,security_invoker=true}', FALSE)
           FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
           WHERE n.nspname NOT IN ('ops', 'staging') AND has_any_column_privilege('analyst', c.oid, 'SELECT')
               AND (c.oid IN (TABLE people) OR c.oid IN (SELECT oid FROM below WHERE reads IN (TABLE people)))
               AND c.relkind IN ('r', 'p', 'v', 'm')"""
    ).fetchall()
    assert len(found) > 50
    assert {
        name for name, kind, by_policy, by_view in found if not (by_view if kind == "v" else by_policy)
    } == OPEN_VIEWS


def test_worked_queries_of_analysts_answer_members_of_one_area(sessions: dict[str, Connection]):
    asked = [query for query in queries.load() if query.head.role == "analyst"]
    assert len(asked) > 5
    for query in asked:
        if all(table.startswith("core.") for table in query.reads):
            sessions["analyst with `area_ms`"].execute(query.statement)  # type: ignore[call-overload]
    provider = "SELECT count(*) FROM core.dim_provider"
    every, own = (sessions[f"analyst with `{who}`"].execute(provider).fetchone()[0] for who in ("area_all", "area_ms"))  # type: ignore[index]
    assert 0 < own < every
