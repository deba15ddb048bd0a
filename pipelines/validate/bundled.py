"""Great Expectations' own expectations, asking for all counts of a table in one metric and so in one statement.

Each of its expectations asks for half a dozen metrics, each of which asks again for the table's columns, types and
rows, and works its own configuration out a hundred times: ten milliseconds of Python for a rule, whatever the table
holds. The classes below are its own and keep their names, so that results and pages are what they always were. What
differs on a database: they ask for the one metric `checked.rules`. That asks Great Expectations' metric providers for
the condition of every rule, counts all of them in one query, and hands each expectation the figures it would have asked
for; each judges them by its own code. On pandas nothing differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import great_expectations.expectations as core
import sqlalchemy as sa
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation, ColumnPairMapExpectation, Expectation
from great_expectations.expectations.expectation_configuration import parse_result_format
from great_expectations.expectations.metrics.metric_provider import MetricProvider, metric_value
from great_expectations.expectations.registry import get_metric_provider
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validator import ValidationDependencies
from pydantic.v1 import PrivateAttr

METRIC, ROW_COUNT, TABLE_COLUMNS, NONNULL = "checked.rules", "table.row_count", "table.columns", "column_values.nonnull"
# Kinds of expectations that suites may name.
KINDS: tuple[Any, ...] = (
    core.ExpectColumnPairValuesAToBeGreaterThanB,
    core.ExpectColumnValuesToBeBetween,
    core.ExpectColumnValuesToBeInSet,
    core.ExpectColumnValuesToBeNull,
    core.ExpectColumnValuesToMatchRegex,
    core.ExpectColumnValuesToNotBeInSet,
    core.ExpectColumnValuesToNotBeNull,
    core.ExpectTableRowCountToBeBetween,
    core.ExpectTableRowCountToEqual,
)
# Whichever class of Great Expectations a `Bundled` is put before.
_Kind: Any = object
_asked: ContextVar[tuple[Sequence[Expectation], list[str]]] = ContextVar("asked")


@contextmanager
def asked(expectations: Sequence[Expectation], columns: list[str]) -> Iterator[None]:
    """The expectations of the table that is about to be checked, each with its own `rule` in meta, and its columns."""
    token = _asked.set((expectations, columns))
    try:
        yield
    finally:
        _asked.reset(token)


class Bundled(_Kind):  # type: ignore[misc]
    """What makes an expectation of Great Expectations ask for `METRIC` alone."""

    _made: Any

    @property
    def configuration(self) -> Any:
        """As the class above says, worked out once: nothing changes an expectation once it is made."""
        if self._made is None:
            self._made = super().configuration
        return self._made

    def get_validation_dependencies(
        self, execution_engine: Any = None, runtime_configuration: dict[str, Any] | None = None, **rest: Any
    ) -> Any:
        """`METRIC` on a database; on pandas, and for a part of the rows, what the class above asks for."""
        if not isinstance(execution_engine, SqlAlchemyExecutionEngine) or getattr(self, "row_condition", None):
            return super().get_validation_dependencies(execution_engine, runtime_configuration, **rest)
        result_format = parse_result_format((runtime_configuration or {}).get("result_format", "BASIC"))
        metric = MetricConfiguration(METRIC, {"batch_id": self.batch_id}, {})
        return ValidationDependencies({METRIC: metric}, result_format)

    def _validate(self, metrics: dict[str, Any], *rest: Any, **named: Any) -> Any:
        """The judgement of the class above, on the figures of this rule."""
        if METRIC in metrics:
            metrics = metrics[METRIC][self.meta["rule"]]
            if isinstance(metrics, Exception):
                raise metrics
        return super()._validate(metrics, *rest, **named)


for kind in KINDS:
    # Under its own name: Great Expectations finds expectations by name, and so takes these.
    type(kind)(kind.__name__, (Bundled, kind), {"__module__": __name__, "_made": PrivateAttr(None)})


class CheckedRules(MetricProvider):  # type: ignore[misc]
    """Rule -> its figures, by the names that its expectation knows them by, or what kept them from being counted."""

    metric_name = METRIC
    domain_keys = ("batch_id",)
    value_keys = ()

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls, execution_engine: Any, metric_domain_kwargs: dict[str, Any], runtime_configuration: Any, **_: Any
    ) -> Any:
        expectations, columns = _asked.get()
        table = _Table(execution_engine, dict(metric_domain_kwargs), columns, runtime_configuration["result_format"])
        return table.figures(expectations)


class _Table:
    """The table under check; every condition and count on it is what Great Expectations' metric providers say."""

    def __init__(self, engine: Any, domain: dict[str, Any], columns: list[str], result_format: dict[str, Any]) -> None:
        self._engine = engine
        self._domain = domain
        self._columns = columns
        self._result_format = result_format

    def figures(self, expectations: Sequence[Any]) -> dict[str, Any]:
        """Rule -> metric -> figure, or the exception that counting it ended in."""
        found: dict[str, Any] = {}
        conditions: dict[str, Any] = {}
        counts: dict[str, Any] = {ROW_COUNT: self._ask(f"{ROW_COUNT}.aggregate_fn", {}, {})[0]}
        for one in expectations:
            rule = one.meta["rule"]
            try:
                if _is_of_rows(one):
                    conditions[rule] = self._condition(one.map_metric, one)
                    counts[rule] = self._sum(conditions[rule])
                if isinstance(one, ColumnMapExpectation) and _nulls(one.column) not in counts:
                    counts[_nulls(one.column)] = self._sum(self._condition(NONNULL, one))
            except Exception as error:  # a column that is not there
                found[rule] = error
        counted = self._counted(counts)
        for one in expectations:
            rule = one.meta["rule"]
            try:
                found[rule] = found.get(rule) or self._of(one, conditions.get(rule), counted)
            except Exception as error:
                found[rule] = error
        return found

    def _of(self, one: Any, condition: Any, counted: dict[str, Any]) -> dict[str, Any]:
        """The figures of one expectation, by the names of the metrics it would have asked for."""
        figures = {ROW_COUNT: _figure(counted, ROW_COUNT)}
        if not _is_of_rows(one):
            return figures
        figures[f"{one.map_metric}.unexpected_count"] = failed = _figure(counted, one.meta["rule"])
        figures[f"{one.map_metric}.unexpected_values"] = []
        told = {"unexpected_condition": condition, TABLE_COLUMNS: self._columns}
        if isinstance(one, ColumnPairMapExpectation):
            name = f"{one.map_metric}.filtered_row_count"
            figures[name] = self._ask(name, _domain(one), told)
            figures[f"{one.map_metric}.unexpected_count"] = failed or 0  # where there is no row, a pair's sum is 0
        else:
            figures[f"{NONNULL}.unexpected_count"] = _figure(counted, _nulls(one.column))
        if failed:
            name = f"{one.map_metric}.unexpected_index_query"
            figures[name] = self._ask(name, {}, told, {"result_format": self._result_format})
        return figures

    def _condition(self, metric: str, one: Any) -> Any:
        """What Great Expectations takes for a row at fault."""
        name = f"{metric}.condition"
        provider: Any = get_metric_provider(name, self._engine)[0]
        values = {
            key: getattr(one, key, provider.default_kwarg_values.get(key)) for key in provider.condition_value_keys
        }
        return self._ask(name, _domain(one), {TABLE_COLUMNS: self._columns}, values)

    def _sum(self, condition: Any) -> Any:
        """How the rows at fault are counted, which is the same for every condition."""
        return self._ask(f"{NONNULL}.unexpected_count.aggregate_fn", {}, {"unexpected_condition": condition})[0]

    def _counted(self, counts: dict[str, Any]) -> dict[str, Any]:
        """All counts in one query, or one by one where that fails: an exception in place of those at fault."""
        table = self._engine.get_domain_records(domain_kwargs=self._domain)
        try:
            [row] = self._engine.execute_query(sa.select(*counts.values()).select_from(table)).fetchall()
        except Exception as error:
            if len(counts) == 1:
                return dict.fromkeys(counts, error)
            return {name: self._counted({name: count})[name] for name, count in counts.items()}
        return dict(zip(counts, row, strict=True))

    def _ask(
        self, metric: str, domain: dict[str, Any], told: dict[str, Any], values: dict[str, Any] | None = None
    ) -> Any:
        """What Great Expectations' provider of a metric makes of it. told: the metrics that it builds upon."""
        provider, answer = get_metric_provider(metric, self._engine)
        return answer(
            cls=provider,
            execution_engine=self._engine,
            metric_domain_kwargs=self._domain | domain,
            metric_value_kwargs=values or {},
            metrics=told,
            runtime_configuration={},
        )


def _domain(one: Any) -> dict[str, Any]:
    """The columns that an expectation speaks of, as metrics know them."""
    pair = ("column_A", "column_B", "ignore_row_if")
    return {name: getattr(one, name) for name in (pair if isinstance(one, ColumnPairMapExpectation) else ("column",))}


def _is_of_rows(one: Any) -> bool:
    return isinstance(one, ColumnMapExpectation | ColumnPairMapExpectation)


def _nulls(column: str) -> str:
    """What the count of a column's blanks is called; no code of a rule holds a blank."""
    return f"blanks in {column}"


def _figure(counted: dict[str, Any], name: str) -> Any:
    if isinstance(counted[name], Exception):
        raise counted[name]
    return counted[name]
