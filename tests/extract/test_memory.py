"""Memory does not follow the size of a file."""

import subprocess
import sys
from pathlib import Path

import pytest

# Reads a small file, then one many times as large, and says by how many MB the second raised the peak. The blocks that
# the CSV reader keeps ahead are made small, for how many of them are there depends on the moment.
READ = """
import resource, sys
from pathlib import Path
from pipelines.extract import csv_form, open_tables, recognise
from tests.extract.toy import REGISTRY

csv_form.BLOCK_BYTES = 1 << 17

def peak_after(path):
    rows = 0
    for table in open_tables(recognise([Path(path)], REGISTRY), REGISTRY).values():
        rows += sum(batch.num_rows for batch in table.batches())
    return rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

(few, small), (many, large) = peak_after(sys.argv[1]), peak_after(sys.argv[2])
print(few, many, large - small)
"""


def csv(rows):
    yield "childid,upn,surname,birth\n"
    for number in range(rows):
        yield f"{number},H{number:012d},Surname of child {number},2012-05-{number % 28 + 1:02d}\n"


def xml(rows):
    yield "<Toy>"
    for number in range(rows):
        yield f"<Child><Ids><UPN>H{number:012d}</UPN></Ids><Surname>Surname of child {number}</Surname>"
        yield "<Birth>2012-05-06</Birth><Plans><Plan><Started>2022-01-01</Started></Plan></Plans></Child>\n"
    yield "</Toy>"


def workbook(path, rows):
    import xlsxwriter

    with xlsxwriter.Workbook(path, {"constant_memory": True}) as made:
        sheet = made.add_worksheet("children")
        for number, line in enumerate(csv(rows)):
            sheet.write_row(number, 0, line.rstrip().split(","))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "rows"), [("csv", (400_000, 1_200_000)), ("xml", (30_000, 90_000)), ("xlsx", (15_000, 45_000))]
)
def test_the_peak_is_the_same_for_a_larger_file(tmp_path, form, rows):
    """The second file has 50 MB of CSV, or 120,000 rows of XML, or 120,000 cells more than the first."""
    paths = [tmp_path / f"{number}.{form}" for number in rows]
    for path, number in zip(paths, rows, strict=True):
        if form == "xlsx":
            workbook(path, number)
        else:
            with path.open("w") as file:
                file.writelines({"csv": csv, "xml": xml}[form](number))
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", READ, *map(str, paths)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    few, many, growth = done.stdout.split()
    assert int(many) >= 3 * int(few)
    assert float(growth) < 15
