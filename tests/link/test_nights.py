"""A night after a night gives exactly what a run over everything gives, and compares only what is new."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pipelines import registry as declared
from pipelines.link import matcher, review
from pipelines.settings import Settings
from tests.link.test_run import Area

CHILDREN, NIGHTS = 70, 4
NAMES = (
    "Ada", "Ivo", "Mia", "Leo", "Zoe", "Max", "Eva", "Tom", "Amy", "Ben", "Kit", "Kitty", "Ann", "Anne", "Joe",
    "Joseph", "Jo", "Sam", "Samuel", "Samira",
)  # fmt: skip
SURNAMES = ["Byrd", "Bird", "Crane", "Heron", "Finch", "Drake", "Swann", "Swan", "Wren"]
SOURCES = ("school", "plan", "register", "bridge", "north", "south")
PARTS = ("crosswalk", "link", "review", "key_event")
Row = dict[str, str]


class World:
    """Children as several sources write them, some wrongly; every night something happens to a few."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311
        self.records: dict[tuple[str, int], Row] = {}
        self.children = 0
        while self.children < CHILDREN:
            self._family()

    def rows(self, sources: set[str]) -> list[Row]:
        return [row for (source, _), row in sorted(self.records.items()) if source in sources]

    def night(self) -> set[str]:
        """Additions, changes and deletions; the sources that send anew."""
        before = {key: dict(row) for key, row in self.records.items()}
        for _ in range(3):
            key = self.draw.choice(sorted(self.records))
            what = self.draw.choice(("gone", "moved", "renamed", "number"))
            if what == "gone":
                del self.records[key]
            elif what == "moved":
                self.records[key]["postcode"] = self._postcode()
            elif what == "renamed" and self.records[key]["name"]:
                self.records[key]["name"] = f"{self.draw.choice(NAMES)} {self.draw.choice(SURNAMES)}"
            else:
                self.records[key]["upn"] = f"U{self.draw.randint(1, CHILDREN)}"
        self._family()
        keys = before.keys() | self.records.keys()
        return {key[0] for key in keys if before.get(key) != self.records.get(key)}

    def _postcode(self) -> str:
        return f"MB{self.draw.randint(1, 3)} {self.draw.randint(1, 9)}AA"

    def _family(self) -> None:
        surname, postcode = self.draw.choice(SURNAMES), self._postcode()
        born = f"201{self.draw.randint(0, 3)}-0{self.draw.randint(1, 4)}-{self.draw.randint(1, 20):02d}"
        for _ in range(self.draw.choice((1, 1, 2))):
            self.children += 1
            child = {
                "name": f"{self.draw.choice(NAMES)} {surname}", "born": born, "sex": self.draw.choice("MF"),
                "postcode": postcode, "upn": f"U{self.children}", "nhs": f"N{self.children}",
            }  # fmt: skip
            for source in SOURCES:
                if self.draw.random() < 0.6:
                    self.records[source, self.children] = self._written(child, source)

    def _written(self, child: Row, source: str) -> Row:
        row = child | {"source": source, "record": str(self.children), "local": "", "other": ""}
        row["upn"] = row["upn"] if source in ("school", "bridge") and self.draw.random() < 0.6 else ""
        row["nhs"] = row["nhs"] if source not in ("school", "plan") and self.draw.random() < 0.6 else ""
        if source in ("north", "south"):
            row["name"] = ""
        elif self.draw.random() < 0.25:
            row["name"] = f"{self.draw.choice(NAMES)} {row['name'].split()[1]}"
        if self.draw.random() < 0.1:
            row["born"] = row["born"][:8] + "28"
        return row


@pytest.fixture(params=[1, 2])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


@pytest.fixture
def area(database: Settings, connection: psycopg.Connection[Any]) -> Iterator[Area]:
    found = Area(database, connection, declared.load())
    yield found
    connection.rollback()


def tables(connection: psycopg.Connection[Any]) -> dict[str, list[bytes]]:
    """Everything in the schema `link`, to put it back."""
    names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'link' ORDER BY 1").fetchall()
    found = {}
    for (name,) in names:
        with connection.cursor() as cursor, cursor.copy(f"COPY link.{name} TO STDOUT (FORMAT binary)") as copy:
            found[name] = [bytes(block) for block in copy]
    return found


def put_back(connection: psycopg.Connection[Any], held: dict[str, list[bytes]]) -> None:
    connection.execute(f"TRUNCATE {', '.join(f'link.{name}' for name in held)}")
    for name, blocks in held.items():
        with connection.cursor() as cursor, cursor.copy(f"COPY link.{name} FROM STDIN (FORMAT binary)") as copy:
            for block in blocks:
                copy.write(block)
    connection.commit()


def outcome(connection: psycopg.Connection[Any], known: set[str]) -> dict[str, list[str]]:
    """Links, reviews, keys and events as they stand; keys that were not known are named by what they hold."""
    rows = connection.execute("""
        SELECT person_key::text, min(agency_code || dataset_code || record_pseudonym)
        FROM link.crosswalk WHERE valid_to = 'infinity' GROUP BY 1""").fetchall()
    texts = {
        name: [str(row) for row in connection.execute(query).fetchall()]
        for name, query in {
            "crosswalk": """SELECT agency_code, dataset_code, record_pseudonym, person_key::text, valid_to = 'infinity'
                FROM link.crosswalk ORDER BY 1, 2, 3, valid_from""",
            "link": "SELECT l::text FROM link.link AS l ORDER BY 1",
            "review": "SELECT r::text FROM link.review AS r ORDER BY 1",
            "key_event": """SELECT kind, person_key::text, other_key::text, records
                FROM link.key_event ORDER BY event_key""",
        }.items()
    }
    for key, record in rows:
        if key not in known:
            texts = {name: [line.replace(key, f"new {record}") for line in lines] for name, lines in texts.items()}
    return texts


def summary(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    row = connection.execute("SELECT summary FROM link.run ORDER BY link_run_key DESC LIMIT 1").fetchone()
    assert row
    return dict(row[0])


def test_as_if_everything_had_been_matched(area: Area, world: World) -> None:
    connection, kept = area.connection, area.settings.link_store / "kept"
    area.send(world.rows(set(SOURCES)))
    trained = {"trained": True, "model": matcher.start(trained=True), "by_chance": [0.9] + [0.01] * 10}
    sent = connection.execute("SELECT DISTINCT agency_code || '/' || dataset_code FROM ops.submission ORDER BY 1")
    pinned = {"format": matcher.FORMAT, "sources": [name for (name,) in sent], **trained}
    (area.settings.link_store / "model.json").write_text(json.dumps(pinned))
    area.run()
    changed = 0
    for night in range(NIGHTS):
        area.send(world.rows(world.night()))
        if night and (waiting := review.queue(connection)):
            review.decide(connection, waiting[0]["pair"], "apart" if night % 2 else "together", "a test", "drawn")
            connection.commit()
        known = {key for (key,) in connection.execute("SELECT person_key::text FROM link.crosswalk")}
        before, copy = tables(connection), kept.with_name("copy")
        shutil.copytree(kept, copy)
        for path in kept.iterdir():
            if path.name != "frequencies.age":
                path.unlink()
        area.run()
        whole, counts = outcome(connection, known), summary(connection)
        put_back(connection, before)
        shutil.rmtree(kept)
        copy.rename(kept)
        area.run()
        found, after = outcome(connection, known), summary(connection)
        for part in PARTS:
            assert found[part] == whole[part], part
        assert all(after[name] == counts[name] for name in ("records", "persons", "links", "reviews", "waiting"))
        assert 0 < after["looks_compared"] < counts["looks_compared"] / 4
        changed += sum(after["changes"].values())
    assert changed > NIGHTS


def test_what_is_kept_is_of_one_model_and_one_set_of_keys(area: Area) -> None:
    """Under another model, or with broken files, everything is compared anew; nothing is readable without the key."""
    world = World(3)
    area.send(world.rows(set(SOURCES)))
    area.run()
    everything = summary(area.connection)["looks_compared"]
    kept = area.settings.link_store / "kept"
    assert {path.suffix for path in kept.iterdir()} == {".age"}
    assert all(path.read_bytes().startswith(b"age-encryption.org") for path in kept.iterdir())
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept.iterdir())

    def compared() -> int:
        area.send(world.rows({"south"}))
        area.run()
        return int(summary(area.connection)["looks_compared"])

    assert compared() == 0
    (kept / "looks.age").write_bytes(b"broken")
    assert compared() == everything
    model = json.loads((area.settings.link_store / "model.json").read_text())
    model["model"]["probability_two_random_records_match"] *= 2
    (area.settings.link_store / "model.json").write_text(json.dumps(model))
    assert compared() == everything
