"""A SQLAlchemy dialect through which Great Expectations 1.24 works on an open DuckDB connection.

Great Expectations knows no DuckDB, and reads results after it has closed their connection. So this dialect lends it
cursors of a connection that is open anyway, fetches each result at once, and calls itself `postgresql`, whose quoting,
types and regular expressions DuckDB shares.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import duckdb
from duckdb_engine import ConnectionWrapper
from duckdb_engine import Dialect as DuckDBDialect
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg2 import PGExecutionContext_psycopg2
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

SCHEME = "lentduckdb"
_lent: dict[str, duckdb.DuckDBPyConnection] = {}


class BufferedContext(PGExecutionContext_psycopg2):  # type: ignore[misc]
    """An execution that has its whole result before anyone reads it."""

    def _setup_result_proxy(self) -> Any:
        if self.cursor is not None and self.cursor.description and not self.isinsert:
            rows = self.cursor.fetchall()
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(self.cursor, initial_buffer=rows)
        return super()._setup_result_proxy()


class LentDuckDB(DuckDBDialect):  # type: ignore[misc]
    """DuckDB under PostgreSQL's name; the database part of the address is the name of a lent connection."""

    name = "postgresql"
    driver = SCHEME
    execution_ctx_cls = BufferedContext
    supports_statement_cache = False

    def connect(self, *_: Any, **parameters: Any) -> Any:
        """A cursor of the lent connection, as SQLAlchemy's connection."""
        return ConnectionWrapper(_lent[parameters["database"]].cursor())

    def get_pk_constraint(self, *_: Any, **__: Any) -> Any:
        """No table here has a key of its own; asking the catalogue for one costs more than a small table's rules."""
        return {"constrained_columns": [], "name": None}

    def create_connect_args(self, url: Any) -> tuple[tuple[()], dict[str, Any]]:
        """The name alone; there is no host and no user."""
        return (), {"database": url.database}


registry.register(SCHEME, __name__, LentDuckDB.__name__)


@contextmanager
def lend(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """The SQLAlchemy address of an open DuckDB connection, good until the block ends."""
    name = uuid4().hex
    _lent[name] = connection
    try:
        yield f"{SCHEME}:///{name}"
    finally:
        del _lent[name]
