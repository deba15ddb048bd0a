"""Equal identifiers give equal pseudonyms and tokens, different ones different, whatever their spelling."""

import hmac

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.seal.normalise import letters
from pipelines.seal.tokens import OTHERS, keyed, linkage_tokens, over_distinct, subkey, swapped

KEY = bytes(range(32))
NAMES = st.text(alphabet="abcdeéXYZ-' ", min_size=1, max_size=8).filter(lambda text: letters(text))


def tokens_of(**columns):
    count = len(next(iter(columns.values())))
    names = ("forename", "surname", "birth_date", "sex", "postcode", "address", "nhs_number", "upn", "uln", "local_id")
    blank = dict.fromkeys(names, [None] * count)
    lists = {name: pa.array([[]] * count, pa.list_(pa.string())) for name in OTHERS}
    plain = {name: pa.array(values, pa.string()) for name, values in (blank | columns).items()}
    return linkage_tokens(pa.table({**plain, **lists}), KEY)


@given(st.lists(NAMES, min_size=1, max_size=20))
def test_equal_names_equal_tokens(names):
    plain = [letters(name) for name in names]
    tokens = tokens_of(surname=plain)["surname"].to_pylist()
    for a, x in zip(plain, tokens, strict=True):
        for b, y in zip(plain, tokens, strict=True):
            assert (a == b) == (x == y)


@given(st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=30))
def test_working_on_distinct_values_is_working_on_all(values):
    found = over_distinct(pa.array(values, pa.string()), lambda text: text[::-1] or None)
    assert found.to_pylist() == [value[::-1] or None if value is not None else None for value in values]


@given(st.dates())
def test_swapping_twice_is_nothing(day):
    other = swapped(day.isoformat())
    assert other is None or (other != day.isoformat() and swapped(other) == day.isoformat())


def test_a_token_is_the_first_half_of_an_hmac_under_its_own_subkey():
    expected = hmac.digest(subkey(KEY, "token", "upn"), b"B801200005001", "sha256")[:16]
    assert tokens_of(upn=["B801200005001"])["upn"].to_pylist() == [expected]


def test_one_value_gives_unrelated_tokens_in_different_columns():
    row = tokens_of(
        forename=["ANN"], birth_date=["2014-03-05"], surname=["ANN"], upn=["ANN"], uln=["ANN"], local_id=["ANN"]
    ).to_pylist()[0]
    found = [row[name] for name in ("forename", "forename_prefix", "surname", "upn", "uln", "local_id")]
    assert len(set(found)) == len(found)


def test_a_partial_birth_date_gives_its_good_parts():
    names = {"forename": ["ANN", "AMY"], "upn": ["1", "2"]}
    full, partial = tokens_of(birth_date=["1949-05-06", "1949-05-??"], **names).to_pylist()
    assert partial["birth_date"] is partial["birth_date_swapped"] is None
    assert (full["birth_parts"], partial["birth_parts"]) == (3, 2)
    assert (len(full["birth_pairs"]), len(partial["birth_pairs"])) == (6, 2)
    assert len(set(full["birth_pairs"]) & set(partial["birth_pairs"])) == 1
    assert (full["is_birth_day_unknown"], partial["is_birth_day_unknown"]) == (False, True)


def test_little_of_a_name_is_told_with_the_month_of_birth_alone():
    born = {"birth_date": ["2014-03-05", "2014-03-31", "2014-04-05", None], "forename": ["ANN", "AMY", "ANN", "ANN"]}
    a, b, c, d = tokens_of(**born)["forename_initial"].to_pylist()
    assert a == b != c and d is None
    ann, _, later, unborn = tokens_of(**born).to_pylist()
    assert ann["forename"] == later["forename"] == unborn["forename"]
    # 2014-03-05 and 2014-04-05 share the year and the day, and so one pair of parts.
    assert len(set(ann["birth_pairs"]) & set(later["birth_pairs"])) == 1
    assert unborn["birth_pairs"] == []


def test_names_that_sound_alike_share_a_phonetic_token():
    a, b, c = tokens_of(surname=["SMITH", "SMYTH", "JONES"])["surname_phonetic"].to_pylist()
    assert a == b != c


def test_purposes_do_not_run_into_each_other():
    assert subkey(KEY, "a", "bc") != subkey(KEY, "ab", "c")
    assert keyed(subkey(KEY, "x"))([b"1"]) != keyed(subkey(KEY, "y"))([b"1"])
