"""The two kinds of trouble.

A `DataFault` is the supplier's: it has a rule code and a sentence the supplier can act on, and is never retried.
A `SystemFault` is ours: it is retried with backoff, then a person is told. Neither ever carries a value from a
partner's file: messages speak of datasets, tables, columns, row numbers and counts.
"""

from __future__ import annotations


class JointNeedsError(Exception):
    """Anything this project raises on purpose. `exit_code` is what the command line ends with."""

    exit_code = 1


class DataFault(JointNeedsError):
    """The data cannot be taken as it came; the supplier can mend it.

    rule: a rule code such as `FILE-003`, which has its row in docs/dictionary/.
    tell_supplier: what is wrong and what to do, in the supplier's words, without any value from the file.
    """

    exit_code = 1

    def __init__(self, rule: str, tell_supplier: str) -> None:
        super().__init__(f"{rule}: {tell_supplier}")
        self.rule = rule
        self.tell_supplier = tell_supplier

    def __reduce__(self) -> tuple[type[DataFault], tuple[str, str]]:
        """Both parts go from one process to another."""
        return type(self), (self.rule, self.tell_supplier)


class UsageFault(JointNeedsError):
    """The command was called in a way that cannot work; the message says how to call it."""

    exit_code = 2


class SystemFault(JointNeedsError):
    """The machine, the network, the database or a rule's own definition failed; worth a retry, then a person."""

    exit_code = 3
