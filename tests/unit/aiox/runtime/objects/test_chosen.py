"""The settings name the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiox.runtime.objects.chosen import store_of
from aiox.runtime.objects.folder import FolderStore
from aiox.runtime.objects.s3 import S3Store
from aiox.runtime.settings import Objects, Settings

WHOLE = {"endpoint": "https://s3.example.org", "bucket": "files", "access_key": "id", "secret_key": "key"}


def test_a_folder_of_the_home_unless_an_endpoint_is_named(tmp_path: Path) -> None:
    assert store_of(Settings(home=tmp_path)) == FolderStore(tmp_path / "objects")
    assert isinstance(store_of(Settings(home=tmp_path, objects=Objects(**WHOLE))), S3Store)


@pytest.mark.parametrize("lacks", ["bucket", "access_key", "secret_key"])
def test_half_an_address_is_refused(lacks: str) -> None:
    with pytest.raises(ValueError, match=r"objects\.endpoint needs"):
        Objects(**{name: value for name, value in WHOLE.items() if name != lacks})


def test_the_key_is_not_shown() -> None:
    assert "hush" not in repr(Objects(**WHOLE | {"secret_key": "hush"}))
