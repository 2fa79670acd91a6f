"""Which object store the settings name."""

from __future__ import annotations

from aiox.runtime.objects.folder import FolderStore
from aiox.runtime.objects.port import ObjectStore
from aiox.runtime.objects.s3 import S3Store
from aiox.runtime.settings import Settings


def store_of(settings: Settings) -> ObjectStore:
    """The store of the hub that these settings describe: a folder of its home unless they name an endpoint."""
    if settings.objects.endpoint:
        return S3Store(settings.objects)
    return FolderStore(settings.home / "objects")
