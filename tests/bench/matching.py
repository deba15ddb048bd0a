"""Floor S: one bare Splink training and prediction over the distinct token profiles that the linker compared."""

from __future__ import annotations

import time

from pipelines.ledger import Ledger
from pipelines.ledger.database import connect
from pipelines.link import epochs, matcher, tokens
from pipelines.link.predict import BLOCKING, REVIEW
from pipelines.registry import Registry
from pipelines.seal.keys import HubKeys
from pipelines.settings import Settings


def floor(settings: Settings, registry: Registry) -> float:
    """Seconds of floor S: the model trained as ours is, and Splink's own prediction by the rules on single tokens."""
    keys = HubKeys.load(settings.hub_keys)
    with connect(settings) as connection, tokens.memory() as db:
        standing = tokens.people_only(registry, Ledger(connection).current(None, registry.every_period))
        choice = epochs.choose(settings, standing)
        sources: dict[tokens.Source, list[tokens.Part]] = {}
        for number, one in enumerate(choice.present):
            source = (one.agency_code, one.dataset_code)
            table = tokens.read(epochs.files(settings, one)[choice.epoch], keys, one)
            held = tokens.held_rows(connection, registry, one)
            sources.setdefault(source, []).append(tokens.Part(source, number, table, held))
        described = []
        for parts in sources.values():
            with tokens.memory() as scratch:
                described.append(tokens.describe(scratch, parts))
        tokens.number(db, described)
        matcher.named(db)
        started = time.monotonic()
        settings_of_ours = matcher.train(db) if matcher.can_train(db) else matcher.start(trained=False)
        plain = [rule for rule in BLOCKING if not set(rule.left + rule.right) & set(tokens.LISTS)]
        rules = [" AND ".join(f"l.{a} = r.{b}" for a, b in zip(rule.left, rule.right, strict=True)) for rule in plain]
        db.execute("CREATE TABLE bare AS SELECT look_id AS place, * EXCLUDE (look_id) FROM look WHERE is_named")
        bare = settings_of_ours | {"blocking_rules_to_generate_predictions": rules}
        found = matcher._linker(db, bare, "bare").inference.predict(threshold_match_probability=REVIEW)
        db.execute(f"SELECT count(*) FROM {found.physical_name}")
        return time.monotonic() - started
