"""The night that is measured changes one row in a hundred, and nothing else."""

import csv
import json

from pipelines import registry
from tests.bench import night
from tests.seal.parts import write_csv


def test_every_hundredth_row_is_changed(tmp_path):
    table = registry.load().contract("ehc_register").tables["register"]
    columns = ["la_id", "surname", "postcode", "sex", "status"]
    rows = [
        dict(zip(columns, (f"L{n}", f"Q{n}", f"MK99 {n % 9}AB", "F", ("plan", "assessed")[n % 2]), strict=True))
        for n in range(250)
    ]
    before = write_csv(tmp_path / "before.csv", columns, rows)
    assert night.change(before, tmp_path / "after.csv", table) == 2
    with (tmp_path / "after.csv").open() as file:
        after = list(csv.DictReader(file))
    changed = [at for at, (was, now) in enumerate(zip(rows, after, strict=True)) if was != now]
    assert changed == [99, 199]
    assert {name for name in columns if after[99][name] != rows[99][name]} == {"postcode", "status"}
    assert after[99]["postcode"] == rows[98]["postcode"]


def test_the_newest_delivery_of_a_feed_is_the_one_sent_again(tmp_path):
    raw = tmp_path / "raw"
    listed = []
    for period in ("2026-02-28", "2026-03-31"):
        name = f"education/ehc_register/{period}/register.csv"
        (raw / name).parent.mkdir(parents=True)
        header = "la_id,upn,surname,forename,birth_date,sex,postcode,nhs_number,status\n"
        (raw / name).write_text(header + "L1,,Quill,Otto,2015-03-09,M,MK99 1AB,,plan\n")
        listed.append({"agency": "education", "dataset": "ehc_register", "period": period, "files": [name]})
    (raw / "deliveries.json").write_text(json.dumps(listed))
    (raw / "postcodes.csv").write_text("postcode,lsoa21\nMK99 1AB,E01990001\n")
    assert night.write(raw, tmp_path / "night", registry.load()) == listed[1:]
    assert (tmp_path / "night" / listed[1]["files"][0]).is_file()
