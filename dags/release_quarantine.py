"""A steward decides on held rows, rule by rule; asked in Airflow, by hand, for one submission or for all that stand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from _house import HOUSE, LOOKING, WAREHOUSE
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param, dag, get_current_context, task

PATIENCE = timedelta(days=14)
RELEASE, KEEP, LATER = "Release", "Keep held", "Decide later"


@task(pool=LOOKING)
def look() -> list[dict[str, str]]:
    """What can be released and is not decided yet, one question per submission and rule; numbers, never a value."""
    from pipelines import flow

    return flow.questions(get_current_context()["params"]["submission"])


@task(pool=WAREHOUSE, doc_md="Does as the steward says, in the steward's name.")
def decide(answered: Any) -> Any:
    """Do as the steward says, in the steward's name."""
    from pipelines import flow

    question, answer = answered
    chosen, by = answer["chosen_options"][0], answer["responded_by_user"]["name"]
    if chosen == LATER:
        return chosen
    act = flow.release if chosen == RELEASE else flow.keep
    return act(question["submission"], question["rule"], by, answer["params_input"]["reason"] or "")


@dag(
    dag_display_name="Release quarantine",
    schedule=None,
    tags=["steward", "tier 2"],
    params={"submission": Param(None, type=["null", "string"], description="One submission; else all that stand")},
    doc_md="Asks a steward, for each rule that holds rows, whether they are taken in all the same. The questions wait "
    "under **Required actions**. How to decide: docs/runbook/quarantine.md",
    **HOUSE | {"dagrun_timeout": PATIENCE},
)
def release_quarantine() -> None:
    """Wire the questions and the answers."""
    questions = look()
    ask = HITLOperator.partial(
        task_id="ask",
        options=[RELEASE, KEEP, LATER],
        params={"reason": Param(None, type=["null", "string"], minLength=3, description="Why; a decision needs it")},
        response_timeout=PATIENCE,
        doc_md="Waits for a person.",
        pool=LOOKING,
    ).expand_kwargs(questions.map(lambda q: {"subject": q["subject"], "body": q["body"]}))
    decide.expand(answered=questions.zip(ask.output))


release_quarantine()
