"""ETags and If-Match."""

from __future__ import annotations

import pytest

from aiox.kernel.errors import ErrorCode
from gateway.errors import Stopped
from gateway.etags import check, etag


def test_the_same_state_has_the_same_tag_and_another_state_another() -> None:
    assert etag("a", 1) == etag("a", 1)
    assert len({etag("a", 1), etag("a", 2), etag("a1"), etag("a\x1f1"), etag("a", "1:1")}) == 5
    assert etag("a").startswith('"')


@pytest.mark.parametrize("sent", [None, "*", etag(1), f'"x", {etag(1)}'])
def test_the_current_state_may_be_changed(sent: str | None) -> None:
    check(sent, etag(1))


@pytest.mark.parametrize("sent", ["", '"x"', f"W/{etag(1)}", etag(2), etag(1).strip('"')])
def test_another_state_may_not(sent: str) -> None:
    with pytest.raises(Stopped) as stopped:
        check(sent, etag(1))
    assert stopped.value.code is ErrorCode.PRECONDITION_FAILED


def test_where_it_is_required_it_is_asked_for() -> None:
    with pytest.raises(Stopped) as stopped:
        check(None, etag(1), required=True)
    assert stopped.value.code is ErrorCode.PRECONDITION_REQUIRED
