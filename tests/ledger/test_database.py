"""Connections: by role, on a server of one's own, and what is said when there is none."""

import pyarrow as pa
import pytest

from pipelines.errors import SystemFault
from pipelines.ledger.database import adbc, connect, url
from pipelines.settings import Settings


def test_owner_connects_and_nothing_times_out(database: Settings) -> None:
    with connect(database) as connection:
        row = connection.execute("SELECT current_user, current_setting('statement_timeout')").fetchone()
        assert row == ("joint_needs", "0")
        assert connection.autocommit is False


def test_a_reader_takes_its_role_on(database: Settings) -> None:
    with connect(database, role="linker") as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("linker",)
        connection.rollback()
        assert connection.execute("SELECT current_user").fetchone() == ("linker",)


def test_driver_is_put_into_the_address(database: Settings) -> None:
    assert url(database, driver="psycopg").startswith("postgresql+psycopg://joint_needs:")


def test_arrow_goes_in_and_comes_out(database: Settings) -> None:
    table = pa.table({"a": pa.array([1, 2, None], pa.int32()), "b": ["x", "y", "z"]})
    with adbc(database) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest("arrow_probe", table, mode="create")
        connection.commit()
        cursor.execute("SELECT a, b FROM arrow_probe ORDER BY b")
        assert cursor.fetch_arrow_table().to_pydict() == table.to_pydict()


def test_an_absent_server_is_a_system_fault_without_the_password(tmp_path) -> None:
    settings = Settings(home=tmp_path, database_url="postgresql://someone:very-secret@127.0.0.1:1/none")
    with pytest.raises(SystemFault, match="JOINT_NEEDS_DATABASE_URL") as caught:
        connect(settings)
    assert "very-secret" not in str(caught.value)
    with pytest.raises(SystemFault) as caught, adbc(settings):
        pass
    assert "very-secret" not in str(caught.value)
