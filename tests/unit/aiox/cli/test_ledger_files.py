"""`aiox ledger verify FILE`: offline, every form, with and without known keys, and one clear line when it is bad."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from aiox.cli.ledger_files import check, keep, write
from aiox.cli.stack.trouble import CannotGoOn
from policy.cosignatures import WitnessSigner, with_lines
from policy.exports import csv_head, to_csv
from policy.notes import sign
from policy.tlog_proof import write_proof
from tests.unit.policy.made_ledger import ADA, NEXT_SIGNER, SIGNER, made

LEDGER = made(20)
KEY = str(SIGNER.verifier)
WITNESS = WitnessSigner("b.example/witness", bytes(range(1, 33)))
NOTE = sign(LEDGER.checkpoint(20).text, [SIGNER])


def forms() -> dict[str, list[bytes]]:
    whole, own = LEDGER.lines(), LEDGER.own(ADA)
    return {
        "whole.jsonl": whole,
        "own.jsonl": own,
        "whole.csv": [csv_head(), *map(to_csv, whole)],
        "own.csv": [csv_head(), *map(to_csv, own)],
        "one.tlog-proof": [write_proof(1, LEDGER.records[0], [], sign(LEDGER.checkpoint(1).text, [SIGNER])).encode()],
    }


def put(folder: Path, name: str, lines: list[bytes]) -> Path:
    file = folder / name
    file.write_bytes(b"".join(lines))
    return file


@pytest.mark.parametrize("name", forms())
def test_every_form_holds_with_a_known_key(tmp_path: Path, name: str) -> None:
    told = check(put(tmp_path, name, forms()[name]), KEY, None)
    assert "hub.example/ledger" in told
    assert "taken from the file" not in told


@pytest.mark.parametrize("name", [name for name in forms() if "proof" not in name])
def test_without_one_it_says_whose_keys_it_believed(tmp_path: Path, name: str) -> None:
    told = check(put(tmp_path, name, forms()[name]), "", None)
    assert "taken from the file itself" in told
    assert KEY in told


@pytest.mark.parametrize("name", forms())
def test_another_key_proves_nothing(tmp_path: Path, name: str) -> None:
    file = put(tmp_path, name, forms()[name])
    with pytest.raises(CannotGoOn, match="signed by no key that is trusted"):
        check(file, str(NEXT_SIGNER.verifier), None)


def test_a_key_may_stand_in_a_file(tmp_path: Path) -> None:
    keys = put(tmp_path, "keys", [f"{NEXT_SIGNER.verifier}\n{KEY}\n".encode()])
    assert "holds" in check(put(tmp_path, "whole", LEDGER.lines()), str(keys), None)


def test_the_first_bad_record_is_named(tmp_path: Path) -> None:
    lines = LEDGER.lines()
    bad = [*lines[:7], lines[7].replace(b"allow", b"deny!"), *lines[8:]]
    with pytest.raises(CannotGoOn, match=r"record 7 of .* is bad: its hash does not fit"):
        check(put(tmp_path, "bad.jsonl", bad), KEY, None)
    table = [csv_head(), *map(to_csv, lines)]
    table[8] = table[8].replace(b'"info"', b'"error"', 1)
    with pytest.raises(CannotGoOn, match=r"record 7 of .* is bad: its cells do not say"):
        check(put(tmp_path, "bad.csv", table), KEY, None)


def test_a_ledger_that_was_cut_short_is_found_by_a_checkpoint_seen_earlier(tmp_path: Path) -> None:
    short = put(tmp_path, "short", made(16).lines())
    later = put(tmp_path, "later", [NOTE.encode()])
    assert "holds" in check(short, KEY, None)
    with pytest.raises(CannotGoOn, match=r"record 17 of .* is bad: missing: a checkpoint of 20 records is known"):
        check(short, KEY, later)
    assert "holds" in check(put(tmp_path, "whole", LEDGER.lines()), KEY, later)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{}\n", b"c2sp.org/tlog-proof@v1\nnonsense", b'"kind"\n'])
def test_what_is_no_export_gets_a_line(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(CannotGoOn, match="Mend:"):
        check(put(tmp_path, "other", [content]), KEY, None)


@pytest.mark.parametrize("name", forms())
def test_no_byte_of_any_form_can_be_changed(tmp_path: Path, name: str) -> None:
    """Wherever it is: also in the first line, in a checkpoint, in a comma. It is said in one line, always."""
    content, chance = b"".join(forms()[name]), Random(name)
    for _ in range(200):
        at, change = chance.randrange(len(content)), chance.randrange(3)
        added = bytes([chance.randrange(256)]) if change else b""
        changed = content[:at] + added + content[at + (change < 2) :]
        if changed == content:
            continue
        with pytest.raises(CannotGoOn):
            print(check(put(tmp_path, name, [changed]), KEY, None), at, changed[max(0, at - 40) : at + 40])


def test_missing_files_and_bad_keys_get_a_line(tmp_path: Path) -> None:
    whole = put(tmp_path, "whole", LEDGER.lines())
    for file, key, checkpoint in (
        (tmp_path / "none", KEY, None),
        (whole, str(tmp_path / "none"), None),
        (whole, "hub.example/ledger+00000000+nonsense", None),
        (whole, KEY, tmp_path / "none"),
        (whole, KEY, whole),
    ):
        with pytest.raises(CannotGoOn):
            check(file, key, checkpoint)


def names(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


async def lines(*content: bytes) -> AsyncIterator[bytes]:
    for line in content:
        yield line


async def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    assert await write(file, lines(b"a\n", b"b\n")) == 4
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CannotGoOn, match="is there already"):
        await write(file, lines(b"c\n"))

    async def broken() -> AsyncIterator[bytes]:
        yield b"a\n"
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        await write(tmp_path / "other", broken())
    assert names(tmp_path) == ["ledger.jsonl"]


async def test_a_segment_that_does_not_hold_is_not_kept_as_good(tmp_path: Path) -> None:
    whole = LEDGER.lines()
    kept = await keep(tmp_path / "ledger", 1, 20, lines(*whole))
    assert (kept.size, Path(kept.name).name) == (len(b"".join(whole)), "000000000001-000000000020.jsonl")
    with pytest.raises(CannotGoOn, match="record 5 of"):
        await keep(tmp_path / "ledger", 1, 20, lines(*whole[:5], *whole[6:]))


def test_a_witness_must_have_co_signed_all_of_it(tmp_path: Path) -> None:
    key = str(WITNESS.verifier)
    for name, lines in forms().items():
        with pytest.raises(CannotGoOn, match="has co-signed proves it"):
            check(put(tmp_path, name, lines), KEY, None, [key])
    text = LEDGER.checkpoint(1).text
    note = with_lines(sign(text, [SIGNER]), [WITNESS.cosign(text, 1_800_000_000)])
    proof = put(tmp_path, "seen.tlog-proof", [write_proof(1, LEDGER.records[0], [], note).encode()])
    assert "Co-signed by b.example/witness." in check(proof, KEY, None, [key])


def test_a_witness_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CannotGoOn, match="a witness's key cannot be read"):
        check(put(tmp_path, "whole.jsonl", forms()["whole.jsonl"]), KEY, None, [KEY])
