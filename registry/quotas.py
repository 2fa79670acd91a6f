"""Quota counters and short-term memory in Redis: one script before a turn, one after it (DESIGN 3: two calls a turn).

The sum is that of `policy/quota.py`, done atomically: N parallel reservations are never admitted past a limit. Each
reservation is an entry (turn, tokens, lease) beside its counters; one whose lease ran out is given back by the next
call. A turn that asks again, after a crash or with one more message, first gives back what it held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.kernel.units import SHORT_TERM_TTL_S
from policy.quota import Exceeded, Reservation

_RESERVE = """
local reservations, leases, history_key = KEYS[1], KEYS[2], KEYS[3]
local turn, now, lease_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local input, max_tokens, concurrent = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local history_limit = tonumber(ARGV[7])

local function give_back(of)
  local entry = redis.call('HGET', reservations, of)
  if entry then
    local held = cjson.decode(entry)
    for _, key in ipairs(held.windows) do
      if redis.call('EXISTS', key) == 1 then redis.call('DECRBY', key, held.tokens) end
    end
    redis.call('HDEL', reservations, of)
  end
  redis.call('ZREM', leases, of)
end
for _, late in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now)) do give_back(late) end
give_back(turn)

-- The newest turns of the conversation that fit into half of the room; older ones stay out of this prompt.
local function recent(room)
  local fitting, cost = {}, 0
  if history_limit == 0 then return fitting, cost end
  local entries = redis.call('LRANGE', history_key, -history_limit, -1)
  for index = #entries, 1, -1 do
    local more = math.ceil(#entries[index] / 3)
    if cost + more > room / 2 then break end
    cost = cost + more
    table.insert(fitting, 1, entries[index])
  end
  return fitting, cost
end

if redis.call('ZCARD', leases) >= concurrent then return {'full', 'turns at once', concurrent, 1} end

local windows, tightest, left = {}, nil, nil
for index = 4, #KEYS do
  local limit = tonumber(ARGV[8 + (index - 4) * 2])
  local room = limit - tonumber(redis.call('GET', KEYS[index]) or '0')
  if left == nil or room < left then tightest, left = index, room end
  windows[#windows + 1] = KEYS[index]
end
if left == nil then return {'full', 'none', 0, 0} end
if left <= input then
  local limit = tonumber(ARGV[8 + (tightest - 4) * 2])
  return {'full', tostring(tightest - 4), limit, tonumber(ARGV[9 + (tightest - 4) * 2])}
end
local history, cost = recent(left - input)
input = input + cost
local tokens = input + math.min(max_tokens, left - input)
for index = 4, #KEYS do
  redis.call('INCRBY', KEYS[index], tokens)
  redis.call('EXPIRE', KEYS[index], tonumber(ARGV[9 + (index - 4) * 2]) + 60)
end
redis.call('HSET', reservations, turn, cjson.encode({tokens = tokens, input = input, windows = windows}))
redis.call('ZADD', leases, now + lease_ms, turn)
return {'ok', tokens, input, history}
"""

_SETTLE = """
local reservations, leases, history_key = KEYS[1], KEYS[2], KEYS[3]
local turn, used, entry = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local history_limit, ttl = tonumber(ARGV[4]), tonumber(ARGV[5])
local mine = redis.call('HGET', reservations, turn)
if mine then
  local held = cjson.decode(mine)
  for _, key in ipairs(held.windows) do
    if redis.call('EXISTS', key) == 1 then redis.call('INCRBY', key, used - held.tokens) end
  end
  redis.call('HDEL', reservations, turn)
  redis.call('ZREM', leases, turn)
end
if entry ~= '' and history_limit > 0 then
  local last = redis.call('LRANGE', history_key, -1, -1)[1]
  if not last or string.sub(last, 1, 16) ~= string.sub(entry, 1, 16) then
    redis.call('RPUSH', history_key, entry)
    redis.call('LTRIM', history_key, -history_limit, -1)
  end
  redis.call('EXPIRE', history_key, ttl)
end
return mine and 1 or 0
"""


class QuotaUnavailable(Exception):
    """Redis does not answer: nothing may be spent."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One window of a budget: its name, `tokens`, and length in seconds."""

    name: str
    scope: UUID
    tokens: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation, and the conversation's short-term entries, oldest first, as they were stored."""

    reservation: Reservation
    entries: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Whose budget, and which history."""

    owner: OwnerId
    agent: AgentId
    subject: str
    history_limit: int
    """Turns that short-term memory keeps."""

    def keys(self) -> list[str]:
        """The owner-prefixed keys of reservations, leases and history."""
        return [f"r:{self.owner}", f"l:{self.owner}", f"st:{self.owner}:{self.agent}:{self.subject}"]


class Quotas:
    """Reserves and settles. All times are wall-clock milliseconds, given by the caller."""

    def __init__(self, redis: Redis) -> None:
        self._reserve = redis.register_script(_RESERVE)
        self._settle = redis.register_script(_SETTLE)

    async def reserve(
        self,
        conversation: Conversation,
        turn: TurnId,
        input_tokens: int,
        max_tokens: int,
        max_concurrent: int,
        limits: Sequence[Limit],
        now_ms: int,
        lease_ms: int,
    ) -> Reserved | Exceeded:
        """Sets tokens aside for a turn and reads its history. Raises QuotaUnavailable."""
        windows = [f"q:{limit.scope}:{limit.seconds}:{now_ms // (limit.seconds * 1000)}" for limit in limits]
        resets = [limit.seconds - now_ms // 1000 % limit.seconds for limit in limits]
        pairs = [value for limit, reset in zip(limits, resets, strict=True) for value in (limit.tokens, reset)]
        arguments: list[str | int | bytes] = [
            str(turn),
            now_ms,
            lease_ms,
            input_tokens,
            max_tokens,
            max_concurrent,
            conversation.history_limit,
        ]
        try:
            answer = await self._reserve(keys=[*conversation.keys(), *windows], args=[*arguments, *pairs])
        except (RedisError, OSError) as gone:
            raise QuotaUnavailable(repr(gone)) from gone
        if answer[0] == b"ok":
            return Reserved(Reservation(int(answer[1]), int(answer[2])), tuple(answer[3]))
        name = answer[1].decode()
        return Exceeded(limits[int(name)].name if name.isdigit() and limits else name, int(answer[2]), int(answer[3]))

    async def settle(self, conversation: Conversation, turn: TurnId, used: int, entry: bytes) -> bool:
        """Books what was used, gives back the rest, and appends `entry` (empty: nothing) to the history.

        `entry` begins with the 16 bytes of the turn's id, so that a repeated settlement appends once. Returns whether
        a reservation was open. Raises QuotaUnavailable.
        """
        arguments: list[str | int | bytes] = [str(turn), used, entry, conversation.history_limit, SHORT_TERM_TTL_S]
        try:
            return bool(await self._settle(keys=conversation.keys(), args=arguments))
        except (RedisError, OSError) as gone:
            raise QuotaUnavailable(repr(gone)) from gone
