"""The scripts that Redis runs, each as one step. What all begin with stands in `redis.lua`."""

from __future__ import annotations

from importlib.resources import files

_COMMON = (files("peertape.proxy.stores") / "redis.lua").read_text("utf-8")

KNOWN = (
    _COMMON
    + """
local revision, ticket, longest = argument(), argument(), argument()
if ticket ~= '' and not redis.call('SET', LOCK, ticket, 'NX', 'PX', longest) then
  return false
end
local now, epoch = redis.call('HGET', HEAD, 'revision') or '0', redis.call('HGET', HEAD, 'epoch') or '0'
local known, changed = tonumber(revision), {}
if now == revision then
  return {now, epoch, 0, changed}
end
if known < tonumber(epoch) or known > tonumber(now) then
  return {now, epoch, 1, redis.call('HGETALL', PARTS)}
end
for _, part in ipairs(redis.call('ZRANGEBYSCORE', MOVED, '(' .. revision, '+inf')) do
  table.insert(changed, part)
  table.insert(changed, redis.call('HGET', PARTS, part))
end
return {now, epoch, 0, changed}
"""
)

STEP = (
    _COMMON
    + """
local name, seconds, kept, revision, ticket = argument(), number(), number(), argument(), argument()
local parts, gone = {}, {}
for i = 1, number() do
  parts[i] = {argument(), argument()}
end
for i = 1, number() do
  gone[i] = argument()
end
local is_alone = ticket ~= '' and redis.call('GET', LOCK) == ticket
local now = redis.call('HGET', HEAD, 'revision') or '0'
if #parts + #gone > 0 then
  if not is_alone and now ~= revision then
    return false
  end
  now = text(move())
  for _, part in ipairs(parts) do
    redis.call('HSET', PARTS, part[1], part[2])
    redis.call('ZADD', MOVED, now, part[1])
  end
  for _, part in ipairs(gone) do
    redis.call('HDEL', PARTS, part)
    redis.call('ZADD', MOVED, now, part)
  end
end
local first = write(kept)
if is_alone then
  redis.call('DEL', LOCK)
end
keep(name, seconds)
return {now, first}
"""
)

GIVE = (
    _COMMON
    + """
local name, seconds, kept, revision, most, now = argument(), number(), number(), argument(), number(), number()
if (redis.call('HGET', HEAD, 'revision') or '0') ~= revision then
  return false
end
for _ = 1, number() do
  local field, since, ends = argument(), number(), number()
  local reached = tonumber(redis.call('HGET', PLAYED, field) or '0')
  if reached < since or ends <= reached then
    return false
  end
end
local charges = read_charges()
for _, asked in ipairs(charges) do
  local _, _, used = window(asked[1], now, asked[2])
  if used >= asked[3] then
    return false
  end
end
local counted = charge(charges, now, most)
write(kept)
keep(name, seconds)
return counted
"""
)

CHARGE = (
    _COMMON
    + """
local seconds, most, now = number(), number(), number()
local counted = charge(read_charges(), now, most)
redis.call('EXPIRE', WINDOWS, seconds)
return counted
"""
)

GIVE_BACK = (
    _COMMON
    + """
for _, field in ipairs(ARGV) do
  local found = redis.call('HGET', WINDOWS, field)
  if found then
    local opened, ends, used = string.match(found, '^(%S+) (%S+) (%S+)$')
    redis.call('HSET', WINDOWS, field, opened .. ' ' .. ends .. ' ' .. text(math.max(0, used - 1)))
  end
end
"""
)

TAKE = (
    _COMMON
    + """
local seconds, field, last, in_all = argument(), argument(), argument(), argument()
local reached = tonumber(redis.call('HGET', PLAYED, in_all == '1' and last or field) or '0')
local taken
for i = at + 1, #ARGV do
  taken = ARGV[i]
  if tonumber(taken) > reached then
    break
  end
end
redis.call('HSET', PLAYED, field, taken, last, taken)
redis.call('EXPIRE', PLAYED, seconds)
return taken
"""
)

RESET = (
    _COMMON
    + """
local name, seconds = argument(), number()
local revision = move()
redis.call('DEL', WINDOWS, PLAYED, LINES, SOURCES, USED, PARTS, MOVED)
redis.call('HSET', HEAD, 'epoch', text(revision))
keep(name, seconds)
return text(revision)
"""
)
