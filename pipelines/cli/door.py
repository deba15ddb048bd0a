"""Commands of the door and its keys: all of them work offline, without the hub's packages."""

from __future__ import annotations

import json
import signal
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from pipelines import registry as declared
from pipelines.cli.frame import AsJson, err, guarded, out, show
from pipelines.errors import UsageFault
from pipelines.settings import Settings

keys_app = typer.Typer(help="Key files of partners and hub.", no_args_is_help=True)
door_app = typer.Typer(help="The door as a service, for partners that cannot run it.", no_args_is_help=True)

Keys = Annotated[Path, typer.Option(help="A key folder: a partner's, the hub's, or the area's with all of them.")]
Drop = Annotated[Path, typer.Option(help="Where raw files are laid: DROP/<agency>/<dataset>/<period>/.")]


def add_to(app: typer.Typer) -> None:
    """Put these commands under the main one."""
    app.add_typer(keys_app, name="keys")
    app.add_typer(door_app, name="door")
    app.command()(seal)


# ---- keys ----------------------------------------------------------------------------------------------------------
@keys_app.command("new")
@guarded
def keys_new(keys: Keys, epoch: Annotated[str, typer.Option(help="Name of the key epoch.")] = "") -> None:
    """Make the keys of a whole area: one folder per agency, one for the hub. For a demonstration or a trial."""
    from pipelines.seal import keys as room

    registry = declared.load(Settings.from_environment().agencies)
    room.new_area(keys, sorted(registry.agencies), epoch or f"{date.today():%Y}a")
    out.print(f"keys of {len(registry.agencies)} agencies and the hub are in {keys} (owner-only files)")


@keys_app.command("hub")
@guarded
def keys_hub(keys: Keys, epoch: Annotated[str, typer.Option(help="Name of the first key epoch.")] = "") -> None:
    """Make the hub's own keys; give its linker.pub to every partner."""
    from pipelines.seal import keys as room

    room.new_hub(keys, epoch or f"{date.today():%Y}a")
    out.print(f"the hub's keys are in {keys}; give linker.pub to the partners")


@keys_app.command("partner")
@guarded
def keys_partner(keys: Keys, linker: Annotated[Path, typer.Option(help="The hub's linker.pub.")]) -> None:
    """Make a partner's own keys; give its signing.pub to the hub, and put the area's link key beside them."""
    from pipelines.seal import keys as room

    room.new_partner(keys, linker)
    out.print(f"keys are in {keys}; give signing.pub to the hub")


@keys_app.command("link")
@guarded
def keys_link(keys: Keys, epoch: Annotated[str, typer.Option(help="The epoch it is for.")]) -> None:
    """Make the area's link key of an epoch in one partner's folder, to be shared with the others, never the hub."""
    from pipelines.seal import keys as room

    path = room.new_link_key(keys, epoch)
    out.print(f"{path.name} is in {keys}; share it with the other partners by the agreed way, and never with the hub")


@keys_app.command("trust")
@guarded
def keys_trust(
    keys: Keys,
    agency: Annotated[str, typer.Option(help="Code of the agency.")],
    public: Annotated[Path, typer.Option(help="Its signing.pub.")],
) -> None:
    """Register an agency's public signing key at the hub."""
    from pipelines.seal import keys as room

    declared.load(Settings.from_environment().agencies).agency(agency)
    fingerprint = room.trust(keys, agency, public)
    out.print(f"trusted: {agency}, sha256 {fingerprint}; compare it with the agency by telephone", highlight=False)


@keys_app.command("rotate")
@guarded
def keys_rotate(keys: Keys, epoch: Annotated[str, typer.Option(help="Name of the new epoch.")]) -> None:
    """Begin a change of the link key; until `keys retire` doors write tokens of both and the hub takes either."""
    from pipelines.seal import keys as room

    room.rotate(keys, epoch)
    out.print(f"epoch {epoch} is open; every partner needs link.{epoch}.key beside the earlier one before it seals")


@keys_app.command("retire")
@guarded
def keys_retire(keys: Keys) -> None:
    """Close a change of the link key, once every partner has sent every dataset under the new one."""
    from pipelines.seal import keys as room

    out.print(f"the hub takes epoch {room.retire(keys)} alone; partners delete the earlier link key")


@keys_app.command("repass")
@guarded
def keys_repass() -> None:
    """Exchange the hub's own pass key and bring the link store under the new one, while nothing else runs."""
    from pipelines.receive.repass import repass

    settings = Settings.from_environment()
    count = repass(settings.link_store, settings.hub_keys)
    out.print(f"{count} linkage files are under a new pass key; back it up apart from them")


@keys_app.command("show")
@guarded
def keys_show(keys: Keys) -> None:
    """List which keys are there, by name and fingerprint of what is public; no secret is printed."""
    from pipelines.seal import keys as room

    for line in room.describe(keys):
        out.print(line, highlight=False)


# ---- the door ------------------------------------------------------------------------------------------------------
@guarded
def seal(
    keys: Annotated[Path, typer.Option(help="The agency's key folder, or with --all the area's.")],
    out_dir: Annotated[Path, typer.Option("--out", help="Where the sealed folder goes.")],
    files: Annotated[list[Path] | None, typer.Argument(help="The raw files of one dataset and period.")] = None,
    everything: Annotated[Path | None, typer.Option("--all", help="Seal a whole synthetic area.")] = None,
    agency: Annotated[str, typer.Option(help="Code of the sending agency.")] = "",
    dataset: Annotated[str, typer.Option(help="Code of the dataset.")] = "",
    period: Annotated[str, typer.Option(help="2025, 2025-spring, 2026-03 or 2026-03-15.")] = "",
    sequence: Annotated[int | None, typer.Option(min=1, help="The next number unless given; never a used one.")] = None,
    geography: Annotated[Path | None, typer.Option(help="CSV with postcode,lsoa21,easting,northing.")] = None,
    declaration: Annotated[Path | None, typer.Option(help="JSON with the health partner's declaration.")] = None,
    pack: Annotated[
        bool, typer.Option("--pack", help="Also write the folder as one .tar, to be sent by MESH.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The door: turn raw files into a sealed submission. Works offline, at the partner."""
    from pipelines import seal as room
    from pipelines.seal import packing, sequences

    agencies = Settings.from_environment().agencies
    if everything is not None:
        outcomes = room.seal_area(everything, agencies=agencies, keys_dir=keys, out=out_dir, progress=err.print)
        show([outcome.as_json() for outcome in outcomes], as_json)
        return
    registry = declared.load(agencies)
    if not (files and agency and dataset and period):
        raise UsageFault("give the files, --agency, --dataset and --period; or --all FOLDER for a synthetic area")
    result = room.seal(
        files,
        registry=registry,
        agency=agency,
        dataset=dataset,
        period=period,
        keys=room.PartnerKeys.load(keys),
        sequence=sequences.take(keys, dataset, period, out_dir, sequence),
        geography=geography,
        declaration=_declaration(declaration),
        out=out_dir,
        sealed_at=datetime.now(UTC),
    )
    if pack:
        packing.pack(result.folder)
    show([result.as_outcome().as_json()], as_json)


def _declaration(path: Path | None) -> dict[str, object]:
    try:
        return dict(json.loads(path.read_text())) if path else {}
    except (ValueError, TypeError, OSError):
        raise UsageFault(f"{path} is not a JSON object") from None


@door_app.command("serve")
@guarded
def door_serve(
    drop: Drop,
    keys: Annotated[Path, typer.Option(help="One key folder per agency served.")],
    out_dir: Annotated[Path, typer.Option("--out", help="Where sealed folders go: OUT/<agency>/.")],
    geography: Annotated[Path | None, typer.Option(help="CSV with postcode,lsoa21,easting,northing.")] = None,
    settle: Annotated[float, typer.Option(min=0, help="Seconds without a change after which files are whole.")] = 120,
    poll: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 30,
    once: Annotated[bool, typer.Option("--once", help="One look, then end.")] = False,
) -> None:
    """Seal what is laid down, delete the raw files once the seal is verified; until a signal says stop."""
    from pipelines.seal.service import Service

    for folder in (drop, keys):
        if not folder.is_dir():
            raise UsageFault(f"{folder} is not a folder")
    registry = declared.load(Settings.from_environment().agencies)

    def say(text: str) -> None:
        err.print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}", highlight=False, soft_wrap=True, markup=False)

    service = Service(drop, keys, out_dir, registry, geography, settle, say)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if once:
        stop.set()
    service.serve(stop, poll)


@door_app.command("health")
@guarded
def door_health(
    drop: Drop, max_age: Annotated[float, typer.Option(help="Seconds since its last look that are still well.")] = 900
) -> int:
    """Whether the service has looked at its drop folder lately; exit 3 where it has not."""
    from pipelines.seal.service import is_well

    well = is_well(drop, max_age)
    out.print("well" if well else f"no look in the last {max_age:.0f} seconds")
    return 0 if well else 3
