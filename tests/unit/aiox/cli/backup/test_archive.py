"""The file of a backup: whole or refused."""

from __future__ import annotations

import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aiox.cli.backup import archive
from aiox.cli.backup.manifest import NAME, Head
from aiox.cli.stack.trouble import CannotGoOn

HEAD = Head(
    point=datetime(2026, 1, 2, tzinfo=UTC),
    domain="hub.example",
    revision="0032",
    ledger_seq=3,
    ledger_hash="00",
    waiting=1,
)
LONG = "objects/" + "d" * 90 + "/ü"
WORDS = {"secrets/stack/keyring": b"1:00\n", "hub.toml": b"", LONG: b"x" * 3_000_000}


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    members = {}
    for number, (name, words) in enumerate(WORDS.items()):
        members[name] = tmp_path / str(number)
        members[name].write_bytes(words)
    archive.write(tmp_path / "plain", members, HEAD)
    return tmp_path / "plain"


def modes(folder: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}


def test_comes_out_as_it_went_in_for_its_user_alone(plain: Path, tmp_path: Path) -> None:
    manifest = archive.unpack(plain, tmp_path / "out")
    assert manifest.head == HEAD
    assert {name: (tmp_path / "out" / name).read_bytes() for name in WORDS} == WORDS
    assert modes(tmp_path / "out") == {0o600}
    assert plain.stat().st_mode & 0o777 == 0o600
    assert not archive.is_sealed(plain)


def test_any_tar_opens_a_plain_one(plain: Path) -> None:
    with tarfile.open(plain) as tar:
        assert tar.getnames() == [*WORDS, NAME]


async def test_a_sealed_one_opens_with_its_passphrase_only(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert archive._SCRYPT_N == 1 << 17  # what a guess costs; less of it is enough here
    monkeypatch.setattr(archive, "_SCRYPT_N", 1 << 10)
    await archive.seal(plain, tmp_path / "sealed", "correct horse")
    assert archive.is_sealed(tmp_path / "sealed")
    assert b"keyring" not in (tmp_path / "sealed").read_bytes()
    with pytest.raises(CannotGoOn, match="another passphrase"):
        await archive.unseal(tmp_path / "sealed", tmp_path / "opened", "wrong horse")
    assert not (tmp_path / "opened").exists()
    await archive.unseal(tmp_path / "sealed", tmp_path / "opened", "correct horse")
    assert archive.unpack(tmp_path / "opened", tmp_path / "out").head == HEAD


@pytest.mark.parametrize("where", [0.2, 0.99])
def test_one_that_was_cut_off_is_refused(plain: Path, tmp_path: Path, where: float) -> None:
    whole = plain.read_bytes()
    (tmp_path / "cut").write_bytes(whole[: int(len(whole) * where)])
    with pytest.raises(CannotGoOn, match=r"cut off|no manifest"):
        archive.unpack(tmp_path / "cut", tmp_path / "out")


def test_a_changed_byte_is_found(plain: Path, tmp_path: Path) -> None:
    changed = bytearray(plain.read_bytes())
    changed[changed.index(b"1:00\n")] ^= 1
    (tmp_path / "changed").write_bytes(changed)
    with pytest.raises(CannotGoOn, match="secrets/stack/keyring is not what the manifest says"):
        archive.unpack(tmp_path / "changed", tmp_path / "out")


def hostile(file: Path, info: tarfile.TarInfo, words: bytes = b"mine") -> Path:
    with tarfile.open(file, "w") as tar:
        info.size = len(words) if info.isreg() else 0
        tar.addfile(info, io.BytesIO(words))
    return file


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside"])
def test_a_name_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    file = hostile(tmp_path / "bad", tarfile.TarInfo(name))
    with pytest.raises(CannotGoOn, match="leads outside"):
        archive.unpack(file, tmp_path / "in" / "deep")
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.control
def test_a_tar_that_nobody_checks_writes_there(tmp_path: Path) -> None:
    file = hostile(tmp_path / "bad", tarfile.TarInfo("../outside"))
    (tmp_path / "in" / "deep").mkdir(parents=True)
    with tarfile.open(file) as tar:
        info = tar.next()
        assert info is not None
        source = tar.extractfile(info)
        assert source is not None
        (tmp_path / "in" / "deep" / info.name).write_bytes(source.read())
    assert (tmp_path / "in" / "outside").read_bytes() == b"mine"


def test_a_link_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("secrets")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc"
    with pytest.raises(CannotGoOn, match="which is no file"):
        archive.unpack(hostile(tmp_path / "bad", info), tmp_path / "out")


def test_something_else_is_no_backup(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("hello")
    with pytest.raises(CannotGoOn, match="is no backup"):
        archive.unpack(tmp_path / "words", tmp_path / "out")
    with pytest.raises(CannotGoOn, match="cannot be read"):
        archive.is_sealed(tmp_path / "missing")
