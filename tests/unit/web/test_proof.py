"""The check of a record that the pages run in the browser: it takes what the hub proves, and nothing else."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest

from policy.merkle import Frontier, inclusion_ranges, leaf_hash, node_hash
from policy.notes import Checkpoint, SignerKey, sign
from policy.tlog_proof import write_proof

ROOT: Final = Path(__file__).parents[3]
SIGNER: Final = SignerKey("hub.example/ledger", b"s" * 32)
STRANGER: Final = SignerKey("hub.example/ledger", b"t" * 32)
KEYS: Final = [str(SIGNER.verifier)]
SIZES: Final = (1, 2, 3, 5, 8, 13, 64, 100)


def record(number: int) -> bytes:
    return b'{"seq":%d}' % (number + 1)


def subtree(first: int, end: int) -> bytes:
    """The hash of these leaves, by the definition (RFC 6962, 2.1)."""
    if end - first == 1:
        return leaf_hash(record(first))
    split = first + (1 << ((end - first - 1).bit_length() - 1))
    return node_hash(subtree(first, split), subtree(split, end))


def proof(index: int, size: int, signers: Sequence[SignerKey] = (SIGNER,), said: bytes = b"") -> str:
    tree = Frontier()
    tree.extend(leaf_hash(record(one)) for one in range(size))
    note = sign(Checkpoint("hub.example", size, tree.root()).text, signers)
    path = [subtree(*one) for one in inclusion_ranges(index, size)]
    return write_proof(index + 1, said or record(index), path, note)


async def verdicts(asked: list[tuple[str, list[str]]]) -> list[dict[str, Any]]:
    script = Path(__file__).parent / "verify_proofs.ts"
    node = await asyncio.create_subprocess_exec(
        str(ROOT / ".venv" / "bin" / "node"),
        "--no-warnings",
        str(script),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, trouble = await node.communicate(json.dumps(asked).encode())
    assert node.returncode == 0, trouble.decode()
    found: list[dict[str, Any]] = json.loads(said)
    return found


async def test_every_record_of_trees_of_many_sizes_is_proven() -> None:
    cases = [(index, size) for size in SIZES for index in range(size)]
    found = await verdicts([(proof(*case), KEYS) for case in cases])
    assert found == [{"holds": True, "size": size} for _, size in cases]


async def test_what_was_changed_is_not_proven() -> None:
    good = proof(5, 13)
    other = base64.b64encode(sha256(b"another").digest()).decode()
    lines = good.split("\n")
    moved = good.replace("index 5", "index 6")
    step = good.replace(lines[3], other)
    shorter = good.replace(lines[3] + "\n", "")
    root = base64.b64encode(subtree(0, 13)).decode()
    cases = {
        proof(5, 13, said=b'{"seq":7}'): "root",
        moved: "root",
        step: "root",
        shorter: "root",
        good.replace("\n13\n", "\n99\n"): "root",
        good.replace("\n13\n", "\n14\n"): "signature",
        good.replace(root, other): "root",
        proof(5, 13, [STRANGER]): "signature",
        "no proof at all": "form",
        good.replace("@v1", "@v2"): "form",
    }
    found = await verdicts([(text, KEYS) for text in cases])
    for (text, why), verdict in zip(cases.items(), found, strict=True):
        assert verdict["holds"] is False, text
        assert (verdict["why"] == "form") == (why == "form"), text


@pytest.mark.control
async def test_who_trusts_the_strangers_key_believes_it() -> None:
    text = proof(5, 13, [STRANGER])
    assert await verdicts([(text, [str(STRANGER.verifier)])]) == [{"holds": True, "size": 13}]
