"""Credentials over HTTP: written and never read back."""

from __future__ import annotations

import pytest

from aiox.commands import credentials
from tests.integration.gateway.door import HttpDoor

SECRET = "sk-planted-0123456789abcdef"
PATH = "/v1/credentials/llm/somebody"


async def test_a_secret_goes_in_and_never_comes_out(door: HttpDoor) -> None:
    person = await door.person()
    answers = [
        await door.client.put(PATH, json={"mode": "custom", "secret": SECRET}, headers=person.headers),
        await door.client.get("/v1/credentials", headers=person.headers),
        await door.client.post(f"{PATH}/test", headers=person.headers),
        await door.client.delete(PATH, headers=person.headers),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200], [answer.text for answer in answers]
    assert answers[0].json()["status"] == "untested"
    assert [item["provider"] for item in answers[1].json()["items"] if item["level"] == "owner"] == ["somebody"]
    assert not any(SECRET in answer.text for answer in answers)
    assert (await door.client.delete(PATH, headers=person.headers)).status_code == 404


async def test_a_refused_form_does_not_repeat_the_secret(door: HttpDoor) -> None:
    person = await door.person()
    for body in ({"mode": "global", "secret": SECRET}, {"mode": "custom", "secret": f"{SECRET}\n"}):
        answer = await door.client.put(PATH, json=body, headers=person.headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "BODY_INVALID")
        assert SECRET not in answer.text


async def test_the_hubs_own_are_not_for_everybody(door: HttpDoor) -> None:
    person = await door.person()
    body = {"mode": "custom", "secret": SECRET}
    for answer in (
        await door.client.put(PATH, params={"scope": "hub"}, json=body, headers=person.headers),
        await door.client.get("/v1/credentials", params={"scope": "hub"}, headers=person.headers),
        await door.client.delete(PATH, params={"scope": "hub"}, headers=person.headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "ACCESS_DENIED")


async def test_another_person_sees_nothing_of_it(door: HttpDoor) -> None:
    one, other = await door.person(), await door.person()
    await door.client.put(PATH, json={"mode": "custom", "secret": SECRET}, headers=one.headers)
    listed = await door.client.get("/v1/credentials", headers=other.headers)
    assert [item for item in listed.json()["items"] if item["level"] != "hub"] == []
    assert (await door.client.post(f"{PATH}/test", headers=other.headers)).status_code == 404


async def test_an_endpoint_inside_the_network_is_refused(door: HttpDoor) -> None:
    person = await door.person()
    body = {"mode": "custom", "secret": SECRET, "api_base": "http://127.0.0.1:5432"}
    answer = await door.client.put(PATH, json=body, headers=person.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "PROVIDER_NOT_ALLOWED")


async def test_so_many_providers_and_no_more(door: HttpDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is asked once a day: nobody makes the hub busy with thousands of them."""
    monkeypatch.setattr(credentials, "MOST", 2)
    ada, said = await door.person(), {"mode": "disabled"}

    async def put(provider: str) -> int:
        answer = await door.client.put(f"/v1/credentials/llm/{provider}", json=said, headers=ada.headers)
        return answer.status_code

    assert [await put(name) for name in ("one", "two", "three", "two")] == [200, 200, 409, 200]
