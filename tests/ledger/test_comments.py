"""Everything that a reader may meet says what it is, in the words of the dictionary."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from pipelines.ledger import comments
from pipelines.ledger.database import connect
from pipelines.ledger.migrate import migrate
from pipelines.settings import Settings, shipped
from tests.comments import said, without

ROOT = Path(__file__).resolve().parents[2]


def test_nothing_lacks_a_comment(database: Settings) -> None:
    with connect(database) as connection:
        assert without(connection, "core", "mart", "partnership", "ops", "publish", "link") == []


def test_the_database_says_what_the_dictionary_says(database: Settings) -> None:
    with connect(database) as connection:
        found = said(connection, "core", "ops")
    pages = {
        schema: (ROOT / f"docs/dictionary/{schema}.md").read_text().replace("\\|", "|") for schema in ("core", "ops")
    }
    unlike = [name for name, words in found.items() if words not in pages[name.split(".")[0]]]
    assert len(found) > 400 and unlike == []


def test_changed_words_are_written_anew_and_absent_ones_are_found(database: Settings, tmp_path: Path) -> None:
    folder = shutil.copytree(shipped("sql"), tmp_path / "sql")
    file = folder / "comments" / "columns.yaml"
    words = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump(words | {"columns": words["columns"] | {"need_rank": "How it's ranked"}}))
    with connect(database) as connection:
        assert migrate(connection, folder) == ["comments"]
        assert said(connection, "core")["core.sen_need.need_rank"] == "How it's ranked"
        connection.execute("ALTER TABLE core.sen_need ADD COLUMN new_one text")
        connection.execute("CREATE FUNCTION core.new_one() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        assert without(connection, "core") == ["core.new_one()", "core.sen_need.new_one"]


def test_each_fact_is_said_once(database: Settings) -> None:
    """No words for what is not there, and none for a column that a migration comments."""
    file = shipped("sql") / "comments" / "columns.yaml"
    words = yaml.safe_load(file.read_text())
    with connect(database) as connection:
        named = [name for name in said(connection, *comments.SCHEMAS) if name.count(".") == 2]
    there = {tuple(name.rsplit(".", 1)) for name in named}
    assert set(words["columns"]) <= {column for _, column in there}
    assert {(table, column) for table, own in words["tables"].items() for column in own} <= there
    both = comments.read()
    for table, own in words["tables"].items():
        assert all(both.tables[table][column] == text for column, text in own.items()), table
