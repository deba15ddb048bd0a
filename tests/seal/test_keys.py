"""Keys on disk: made once, owner-only, rotated without loss."""

import pytest

from pipelines.errors import UsageFault
from pipelines.seal import HubKeys, PartnerKeys, keys


@pytest.fixture
def folder(tmp_path):
    keys.new_area(tmp_path / "keys", ["north", "south"], "2026a")
    return tmp_path / "keys"


def test_only_the_owner_can_read_them(folder):
    for path in (folder, *folder.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_partners_share_the_link_key_and_nothing_else(folder):
    north, south = (PartnerKeys.load(folder / name) for name in ("north", "south"))
    assert north.link_keys == south.link_keys
    assert north.record_key != south.record_key
    assert north.signing_key.public_key() != south.signing_key.public_key()


def test_the_hub_trusts_the_partners_and_never_holds_the_link_key(folder):
    hub = HubKeys.load(folder / "hub")
    north = PartnerKeys.load(folder / "north")
    assert hub.epoch == north.epoch == "2026a"
    assert hub.trusted["north"] == north.signing_key.public_key()
    assert str(hub.linker.to_public()) == str(north.linker)
    link_key = (folder / "north" / "link.2026a.key").read_bytes()
    assert all(link_key not in path.read_bytes() for path in (folder / "hub").rglob("*") if path.is_file())


@pytest.mark.parametrize("path", ["north/record.key", "north/link.2026a.key", "north"])
def test_a_key_that_others_can_read_is_refused_with_the_command_that_mends_it(folder, path):
    (folder / path).chmod(0o744)
    with pytest.raises(UsageFault, match=r"chmod [67]00 .*") as caught:
        PartnerKeys.load(folder / "north")
    assert str(folder / path) in str(caught.value)


def test_a_hub_key_that_others_can_read_is_refused(folder):
    (folder / "hub" / "trusted" / "north.pub").chmod(0o644)
    with pytest.raises(UsageFault, match="chmod 600"):
        HubKeys.load(folder / "hub")


def test_a_change_of_epoch_holds_two_link_keys_until_it_is_closed(folder):
    before = PartnerKeys.load(folder / "north")
    keys.rotate(folder, "2026b")
    during = PartnerKeys.load(folder / "north")
    assert (before.epoch, during.epoch, HubKeys.load(folder / "hub").epochs) == ("2026a", "2026b", ("2026a", "2026b"))
    assert during.link_keys == PartnerKeys.load(folder / "south").link_keys
    assert during.link_keys["2026a"] == before.link_keys["2026a"] != during.link_keys["2026b"]
    assert during.record_key == before.record_key
    assert keys.retire(folder) == "2026b"
    assert HubKeys.load(folder / "hub").epochs == ("2026b",)
    after = PartnerKeys.load(folder / "north")
    assert after.link_keys == {"2026b": during.link_keys["2026b"]}


def test_only_folders_of_partners_get_a_link_key(folder):
    (folder / "notes").mkdir()
    keys.rotate(folder, "2026b")
    assert not list((folder / "notes").iterdir()) and not list((folder / "hub").glob("link.*"))


def test_one_change_at_a_time(folder):
    with pytest.raises(UsageFault, match="no change of epoch"):
        keys.retire(folder)
    keys.rotate(folder, "2026b")
    with pytest.raises(UsageFault, match="keys retire"):
        keys.rotate(folder, "2026c")


def test_a_rotation_that_was_broken_off_goes_on_with_the_same_key(folder, monkeypatch):
    written = []

    def killed(path, content):
        if written:
            raise KeyboardInterrupt
        written.append(path)
        keys_write(path, content)

    keys_write = keys._write
    monkeypatch.setattr(keys, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        keys.rotate(folder, "2026b")
    monkeypatch.undo()
    assert HubKeys.load(folder / "hub").epochs == ("2026a",)
    keys.rotate(folder, "2026b")
    assert PartnerKeys.load(folder / "north").link_keys == PartnerKeys.load(folder / "south").link_keys


def test_a_folder_with_keys_of_many_epochs_uses_the_two_newest(folder):
    for epoch in ("2026b", "2026c", "2027a"):
        keys.rotate(folder, epoch)
        kept = {path: path.read_bytes() for path in (folder / "north").glob("link.*.key")}
        keys.retire(folder)
        for path, content in kept.items():
            path.write_bytes(content)
            path.chmod(0o600)
    assert list(PartnerKeys.load(folder / "north").link_keys) == ["2026c", "2027a"]


@pytest.mark.parametrize("epoch", ["2026a", "2025z", "next"])
def test_an_epoch_that_does_not_follow_is_refused(folder, epoch):
    with pytest.raises(UsageFault, match="epoch"):
        keys.rotate(folder, epoch)


def test_keys_are_never_written_over(folder):
    with pytest.raises(UsageFault, match="rotate"):
        keys.new_area(folder, ["north"], "2026c")


def test_a_missing_or_broken_key_is_named(folder):
    (folder / "north" / "record.key").write_text("not base64!")
    with pytest.raises(UsageFault, match=r"record\.key"):
        PartnerKeys.load(folder / "north")
    (folder / "south" / "link.2026a.key").unlink()
    with pytest.raises(UsageFault, match="no link"):
        PartnerKeys.load(folder / "south")


def test_the_list_of_keys_shows_no_secret(folder):
    shown = "\n".join(keys.describe(folder))
    assert "hub/epoch  2026a" in shown
    for path in folder.rglob("*.key"):
        assert path.name in shown
        assert path.read_text().strip() not in shown


def test_secrets_do_not_show_in_a_printed_object(folder):
    north = PartnerKeys.load(folder / "north")
    assert repr(north.link_keys["2026a"]) not in repr(north)
    assert repr(north.record_key) not in repr(north)
