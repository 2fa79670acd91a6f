"""docs/data-model.md says what the database is."""

from __future__ import annotations

from setup.data_model_document import DOCUMENT, document
from tests.architecture.house import TOP
from tests.stores import Stores


async def test_document_is_up_to_date(stores: Stores) -> None:
    async with stores.superuser() as connection:
        said = await document(connection)
    assert (TOP / DOCUMENT).read_text() == said, "run python -m setup.data_model_document on a migrated hub"
