"""What Redis does in one step each: reserve, settle, and be rebuilt after it lost its memory (Lua 5.1).

Counters count only while the key `quota:epoch` names the run of the server that holds them. A server that was started
anew, or took over from another, or was emptied, has a different run or no key: then every script but those that
rebuild answers `forgotten`. A server that was killed has lost its last second even with an append-only file.

Keys, each with the beginning of the run in its name, so that what is left of an older run is never read:
`c:<scope>:<seconds>:<number>` tokens of a window; `r:<owner>` hash of open reservations by turn; `l:<scope>` turns at
once as `<owner>:<turn>`, sorted by when their lease ends; `d:<turn>` what a turn was settled with; `now` the newest
time that was counted at; `restore` and `restored` while the counters are rebuilt. Written for one server, with or
without Sentinel: the names are made inside the scripts.
"""

from __future__ import annotations

from typing import Final

OUTLIVES_S: Final = 120
"""How long a counter is kept behind the end of its window. So far a clock may go back, and nothing is spent twice."""

_COMMON: Final = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local prefix = 'quota:' .. string.sub(run, 1, 12) .. ':'
local whole = redis.call('GET', 'quota:epoch') == run
local function book(windows, tokens)
  for _, name in ipairs(windows) do
    local key = prefix .. 'c:' .. name
    if tokens ~= 0 and redis.call('EXISTS', key) == 1 then redis.call('INCRBY', key, tokens) end
  end
end
local function drop(owner, turn, entry)
  redis.call('HDEL', prefix .. 'r:' .. owner, turn)
  for _, scope in ipairs(entry.l) do redis.call('ZREM', prefix .. 'l:' .. scope, owner .. ':' .. turn) end
end
"""

RESERVE: Final = (
    _COMMON
    + """
if not whole then return {'forgotten', run} end
local asked = cjson.decode(ARGV[1])
local turn, owner, entries = asked.turn, asked.owner, prefix .. 'r:' .. asked.owner

-- A clock that went back by more than a counter outlives its window would find windows that are over empty.
local newest = tonumber(redis.call('GET', prefix .. 'now') or '0')
if asked.now + OUTLIVES_S * 1000 < newest then return {'clock', newest - asked.now} end
if asked.now > newest then redis.call('SET', prefix .. 'now', asked.now, 'EX', 86460) end

-- Messages of this person by both doors. Each counts once; one that was refused stays so.
local rate = asked.rate
if rate and rate ~= cjson.null then
  local fresh, no = {}, false
  for _, message in ipairs(rate.messages) do
    local counted = redis.call('GET', 'aiox:rated:' .. message)
    if not counted then fresh[#fresh + 1] = message end
    no = no or counted == 'no'
  end
  if #fresh > 0 then
    local used = redis.call('INCRBY', rate.key, #fresh)
    if redis.call('TTL', rate.key) < 0 then redis.call('EXPIRE', rate.key, rate.seconds) end
    no = no or used > rate.limit
    for _, message in ipairs(fresh) do
      redis.call('SET', 'aiox:rated:' .. message, no and 'no' or 'yes', 'EX', rate.kept)
    end
  end
  if no then return {'rate', redis.call('TTL', rate.key)} end
end

-- What lapsed is given back, whoever of those that share a budget asks next.
for _, slot in ipairs(asked.slots) do
  for _, late in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'l:' .. slot.scope, '-inf', asked.now)) do
    local whose, which = string.match(late, '^(.-):(.+)$')
    local entry = redis.call('HGET', prefix .. 'r:' .. whose, which)
    if entry then
      local held = cjson.decode(entry)
      book(held.w, -held.t)
      drop(whose, which, held)
    end
    redis.call('ZREM', prefix .. 'l:' .. slot.scope, late)
  end
end

local crashed, carried = 0, asked.spent
local before = redis.call('HGET', entries, turn)
if before then
  local held = cjson.decode(before)
  crashed = held.h == asked.holder and held.x or held.c + held.i
  book(held.w, -(held.t + held.c))
  drop(owner, turn, held)
end
local settled = redis.call('GET', prefix .. 'd:' .. turn)
if settled then
  local done = cjson.decode(settled)
  crashed = done.u
  book(done.w, -done.u)
  redis.call('DEL', prefix .. 'd:' .. turn)
end
carried = carried + crashed

local left, tightest = nil, nil
for index, window in ipairs(asked.windows) do
  local key = prefix .. 'c:' .. window.name
  local used = redis.call('INCRBY', key, carried)
  redis.call('EXPIRE', key, window.reset + OUTLIVES_S)
  local room = window.limit - used
  if window.limit >= 0 and (left == nil or room < left) then left, tightest = room, index end
end
for index, slot in ipairs(asked.slots) do
  if slot.limit >= 0 and redis.call('ZCARD', prefix .. 'l:' .. slot.scope) >= slot.limit then
    return {'slots', index}
  end
end
if left == nil then return {'none'} end
if left <= asked.input then return {'full', tightest} end

-- The newest turns of the conversation that fit into half of the room; older ones stay out of this prompt.
local history, cost, missing = {}, 0, 0
if asked.history > 0 then
  missing = 1 - redis.call('EXISTS', KEYS[1])
  local stored = redis.call('LRANGE', KEYS[1], -asked.history, -1)
  for index = #stored, 1, -1 do
    local more = math.ceil(#stored[index] / 3)
    if cost + more > (left - asked.input) / 2 then break end
    cost = cost + more
    table.insert(history, 1, stored[index])
  end
end

local input = asked.input + cost
local tokens = input + math.min(asked.max, left - input)
local names, scopes = {}, {}
for index, window in ipairs(asked.windows) do
  redis.call('INCRBY', prefix .. 'c:' .. window.name, tokens)
  names[index] = window.name
end
for index, slot in ipairs(asked.slots) do
  redis.call('ZADD', prefix .. 'l:' .. slot.scope, asked.now + asked.lease, owner .. ':' .. turn)
  redis.call('PEXPIRE', prefix .. 'l:' .. slot.scope, 4 * asked.lease)
  scopes[index] = slot.scope
end
local entry = {t = tokens, i = input, x = crashed, c = carried, w = names, l = scopes, h = asked.holder}
redis.call('HSET', entries, turn, cjson.encode(entry))
redis.call('PEXPIRE', entries, 4 * asked.lease)
return {'ok', tokens, input, crashed, carried, history, missing}
""".replace("OUTLIVES_S", str(OUTLIVES_S))
)
"""KEYS: the conversation's history. ARGV: the request as JSON (registry/quotas.py)."""

SETTLE: Final = (
    _COMMON
    + """
local turn, owner, holder, used = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local windows, said, history_limit, ttl = cjson.decode(ARGV[5]), ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
local done_ttl = tonumber(ARGV[9])

if said ~= '' and history_limit > 0 then
  local last = redis.call('LRANGE', KEYS[1], -1, -1)[1]
  if not last or string.sub(last, 1, 16) ~= string.sub(said, 1, 16) then
    redis.call('RPUSH', KEYS[1], said)
    redis.call('LTRIM', KEYS[1], -history_limit, -1)
  end
  redis.call('EXPIRE', KEYS[1], ttl)
end

if not whole then
  local entry = redis.call('HGET', prefix .. 'restore', turn)
  if not entry then return 'forgotten' end
  local held = cjson.decode(entry)
  held.u = used < 0 and held.c + held.i or used
  redis.call('HSET', prefix .. 'restore', turn, cjson.encode(held))
  redis.call('INCR', prefix .. 'restore:version')
  return 'settled'
end

local entry = redis.call('HGET', prefix .. 'r:' .. owner, turn)
if entry then
  local held = cjson.decode(entry)
  if holder ~= '' and held.h ~= holder then return 'of another' end
  if used < 0 then used = held.c + held.i end
  book(held.w, used - held.t - held.c)
  drop(owner, turn, held)
  redis.call('SET', prefix .. 'd:' .. turn, cjson.encode({u = used, w = held.w}), 'EX', done_ttl)
  return 'settled'
end
if redis.call('EXISTS', prefix .. 'd:' .. turn) == 1 then return 'settled' end
if used > 0 and #windows > 0 then
  book(windows, used)
  redis.call('SET', prefix .. 'd:' .. turn, cjson.encode({u = used, w = windows}), 'EX', done_ttl)
end
return 'none'
"""
)
"""KEYS: the conversation's history. A reservation that another orchestrator holds by now is left alone; with an empty
holder any is settled, and with tokens below 0 at what it has surely cost: its input, and all before it."""

REMEMBER: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('RPUSH', KEYS[1], unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
"""
"""KEYS: the conversation's history. ARGV: seconds to keep, then its entries, oldest first, at least one."""

STATE: Final = (
    _COMMON
    + """
return {run, whole and 1 or 0}
"""
)

POST: Final = (
    _COMMON
    + """
local holder, ttl, entries = ARGV[2], tonumber(ARGV[3]), cjson.decode(ARGV[4])
if run ~= ARGV[1] then return {'moved'} end
if whole then
  for _, held in ipairs(entries) do
    local key = prefix .. 'r:' .. held.o
    if redis.call('HEXISTS', key, held.id) == 0 and redis.call('EXISTS', prefix .. 'd:' .. held.id) == 0 then
      local tokens = held.u or held.t + held.c
      for _, name in ipairs(held.w) do
        redis.call('INCRBY', prefix .. 'c:' .. name, tokens)
        if redis.call('TTL', prefix .. 'c:' .. name) < 0 then redis.call('EXPIRE', prefix .. 'c:' .. name, 86460) end
      end
      if not held.u then
        redis.call('HSET', key, held.id, cjson.encode(held))
        redis.call('EXPIRE', key, ttl)
        for _, scope in ipairs(held.l) do
          redis.call('ZADD', prefix .. 'l:' .. scope, held.e, held.o .. ':' .. held.id)
          redis.call('EXPIRE', prefix .. 'l:' .. scope, ttl)
        end
      end
    end
  end
  return {'whole'}
end
for _, held in ipairs(entries) do
  redis.call('HSET', prefix .. 'restore', held.id, cjson.encode(held))
end
redis.call('SADD', prefix .. 'restored', holder)
redis.call('INCR', prefix .. 'restore:version')
for _, name in ipairs({'restore', 'restored', 'restore:version'}) do redis.call('EXPIRE', prefix .. name, ttl) end
local version = tonumber(redis.call('GET', prefix .. 'restore:version'))
return {'posted', redis.call('SMEMBERS', prefix .. 'restored'), version, redis.call('HVALS', prefix .. 'restore')}
"""
)
"""ARGV: run, who posts, seconds to keep, the poster's open reservations. Answers with all that was posted."""

APPLY: Final = (
    _COMMON
    + """
local ttl, counters, entries = tonumber(ARGV[3]), cjson.decode(ARGV[4]), cjson.decode(ARGV[5])
if run ~= ARGV[1] then return 'moved' end
if whole then return 'whole' end
if redis.call('GET', prefix .. 'restore:version') ~= ARGV[2] then return 'again' end
for _, counter in ipairs(counters) do
  redis.call('SET', prefix .. 'c:' .. counter[1], counter[2], 'EX', counter[3])
end
for _, held in ipairs(entries) do
  redis.call('HSET', prefix .. 'r:' .. held.o, held.id, cjson.encode(held))
  redis.call('EXPIRE', prefix .. 'r:' .. held.o, ttl)
  for _, scope in ipairs(held.l) do
    redis.call('ZADD', prefix .. 'l:' .. scope, held.e, held.o .. ':' .. held.id)
    redis.call('EXPIRE', prefix .. 'l:' .. scope, ttl)
  end
end
redis.call('DEL', prefix .. 'restore', prefix .. 'restored', prefix .. 'restore:version')
redis.call('SET', 'quota:epoch', run)
return 'whole'
"""
)
"""ARGV: run, the version of what was posted that the counters were made of, seconds to keep, counters, reservations."""
