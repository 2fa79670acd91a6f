"""A conversation that has gone on for long: put into the XMPP server's archive as the server itself would have it."""

from __future__ import annotations

import asyncpg

from aiox.kernel.jid import domain, local_part
from tests.stack import Account, RunningHub

_ARCHIVE = """
INSERT INTO archive (username, timestamp, peer, bare_peer, xml, txt, kind, nick, origin_id)
SELECT $1, at, $2, $2,
  format(
    '<message xmlns="jabber:client" from="%s" to="%s" type="chat" id="m%s"><body>%s</body></message>',
    CASE WHEN number % 2 = 1 THEN $3::text ELSE $2 END, CASE WHEN number % 2 = 1 THEN $2 ELSE $3::text END, number, said
  ),
  said, 'chat', '', ''
FROM (
  SELECT number, (1700000000000000 + number * 60000000::bigint) AS at,
    'Message ' || number || ' of a long talk. ' || repeat('It says a little more. ', number % 7) AS said
  FROM generate_series(1, $4::int) AS number
) AS all_of_it
"""


async def archived(hub: RunningHub, person: Account, agent: str, count: int) -> None:
    """Puts so many messages between a person and an agent into the archive, by turns, a minute apart."""
    connection = await asyncpg.connect(
        host="127.0.0.1",
        port=hub.settings.ports.postgres,
        user="postgres",
        password=hub.home.secrets("stack").read("postgres"),
        database="ejabberd",
    )
    try:
        assert domain(person.jid) == hub.settings.domain
        await connection.execute(_ARCHIVE, local_part(person.jid), agent, person.jid, count)
    finally:
        await connection.close()
