"""Secrets are private files; a service reads only its own folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiox.runtime.secrets import SecretMissing, Secrets


def test_reads_what_was_written(tmp_path: Path) -> None:
    secrets = Secrets.of(tmp_path, "gateway")
    secrets.write("jwt", "abc\n")
    secrets.write("key", b"\x00\x01")
    assert secrets.read("jwt") == "abc"
    assert secrets.read_bytes("key") == b"\x00\x01"
    assert secrets.path("jwt") == tmp_path / "secrets" / "gateway" / "jwt"
    assert (secrets.has("jwt"), secrets.has("other")) == (True, False)


def test_folder_and_files_are_for_their_owner_only(tmp_path: Path) -> None:
    secrets = Secrets.of(tmp_path, "gateway")
    secrets.write("jwt", "abc")
    assert secrets.folder.stat().st_mode & 0o777 == 0o700
    assert secrets.path("jwt").stat().st_mode & 0o777 == 0o600


def test_writing_again_replaces_and_leaves_no_litter(tmp_path: Path) -> None:
    secrets = Secrets.of(tmp_path, "gateway")
    secrets.write("jwt", "old")
    secrets.write("jwt", "new")
    assert secrets.read("jwt") == "new"
    assert [path.name for path in secrets.folder.iterdir()] == ["jwt"]


def test_a_missing_secret_says_which_and_how_to_mend_it(tmp_path: Path) -> None:
    with pytest.raises(SecretMissing, match=r"gateway/jwt is missing\. Mend: .*make up"):
        Secrets.of(tmp_path, "gateway").read("jwt")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_secret_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    secrets = Secrets.of(tmp_path, "gateway")
    secrets.write("jwt", "abc")
    secrets.path("jwt").chmod(mode)
    with pytest.raises(SecretMissing, match=r"readable by others.*chmod 600"):
        secrets.read("jwt")


@pytest.mark.control
def test_the_same_secret_for_its_owner_only_is_read(tmp_path: Path) -> None:
    secrets = Secrets.of(tmp_path, "gateway")
    secrets.write("jwt", "abc")
    secrets.path("jwt").chmod(0o400)
    assert secrets.read("jwt") == "abc"


def test_services_have_folders_of_their_own(tmp_path: Path) -> None:
    Secrets.of(tmp_path, "gateway").write("keyring", "1:00")
    assert not Secrets.of(tmp_path, "ai_worker").has("keyring")
