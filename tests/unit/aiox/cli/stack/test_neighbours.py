"""Several hubs on one machine: each letter has a name, an address and ports that no other has."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from aiox.cli.stack import neighbours
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.federation_settings import Federation
from aiox.runtime.settings import Ports, Settings


def test_each_hub_has_names_addresses_and_ports_of_its_own() -> None:
    found = [tomllib.loads(neighbours.settings_text(letter)) for letter in neighbours.LETTERS]
    assert len({one["domain"] for one in found}) == len(found)
    assert len({one["federation"]["address"] for one in found}) == len(found)
    ports = [port for one in found for port in one["ports"].values()]
    assert len(set(ports)) == len(ports)
    assert not set(ports) & set(Ports().model_dump().values()), "the first hub of the machine may go on"
    for one in found:
        Settings(domain=one["domain"], ports=Ports(**one["ports"]), federation=Federation(**one["federation"]))
        assert one["federation"]["hosts"][one["domain"]] == one["federation"]["address"]


def test_it_is_laid_out_once_beside_the_first(tmp_path: Path) -> None:
    home = neighbours.lay_out("b", tmp_path / "var")
    assert home == tmp_path / "var-b"
    (home / "hub.toml").write_text("# mine\n")
    neighbours.lay_out("b", tmp_path / "var")
    assert (home / "hub.toml").read_text() == "# mine\n"


@pytest.mark.parametrize("letter", ["", "z", "ab", "../c", "A"])
def test_another_word_is_refused(tmp_path: Path, letter: str) -> None:
    with pytest.raises(CannotGoOn, match="one letter of"):
        neighbours.lay_out(letter, tmp_path / "var")
