-- What every script begins with. KEYS: as `Keys` lists them. All times but `now` are Redis' own.
local HEAD, LOCK, WINDOWS, PLAYED, LINES, SOURCES, USED, PARTS, MOVED, SESSIONS = unpack(KEYS)
local at = 0

local function argument()
  at = at + 1
  return ARGV[at]
end

local function number()
  return tonumber(argument())
end

local function head(field)
  return tonumber(redis.call('HGET', HEAD, field) or '0')
end

local function text(value)
  return string.format('%.0f', value)
end

-- A revision never comes again, not even once the session was forgotten: it is as large as the microseconds that passed.
local function move()
  local time = redis.call('TIME')
  local revision = math.max(head('revision') + 1, time[1] * 1000000 + time[2])
  redis.call('HSET', HEAD, 'revision', text(revision))
  return revision
end

local function keep(name, seconds)
  for _, key in ipairs({HEAD, WINDOWS, PLAYED, LINES, SOURCES, USED, PARTS, MOVED}) do
    redis.call('EXPIRE', key, seconds)
  end
  local now = tonumber(redis.call('TIME')[1])
  redis.call('ZADD', SESSIONS, now, name)
  redis.call('ZREMRANGEBYSCORE', SESSIONS, '-inf', now - seconds)
  redis.call('EXPIRE', SESSIONS, seconds)
end

local function window(field, now, length)
  local found = redis.call('HGET', WINDOWS, field)
  if found then
    local opened, ends, used = string.match(found, '^(%S+) (%S+) (%S+)$')
    opened, ends, used = tonumber(opened), tonumber(ends), tonumber(used)
    if opened <= now and now < ends then
      return opened, ends, used
    end
  end
  return now, now + length, 0, true
end

-- Those that ended; and if that is none, the one that was opened first.
local function make_room(now, most)
  if redis.call('HLEN', WINDOWS) < most then
    return
  end
  local all, first, earliest = redis.call('HGETALL', WINDOWS), nil, nil
  for i = 1, #all, 2 do
    local opened, ends = string.match(all[i + 1], '^(%S+) (%S+)')
    opened, ends = tonumber(opened), tonumber(ends)
    if now < opened or ends <= now then
      redis.call('HDEL', WINDOWS, all[i])
    elseif earliest == nil or opened < earliest then
      first, earliest = all[i], opened
    end
  end
  if redis.call('HLEN', WINDOWS) >= most then
    redis.call('HDEL', WINDOWS, first)
  end
end

local function read_charges()
  local charges = {}
  for i = 1, number() do
    charges[i] = {argument(), number(), number()}
  end
  return charges
end

local function charge(charges, now, most)
  local counted = {}
  for i, asked in ipairs(charges) do
    local field, length, limit = unpack(asked)
    local opened, ends, used, is_new = window(field, now, length)
    if is_new then
      make_room(now, most)
    end
    used = used + 1
    local told = text(opened) .. ' ' .. text(ends) .. ' ' .. text(used)
    redis.call('HSET', WINDOWS, field, told)
    counted[i] = told
    if used > limit then
      break
    end
  end
  return counted
end

-- All of a step but its parts: returns the number of the first line.
local function write(kept)
  for _ = 1, number() do
    local field, last, exchange = argument(), argument(), argument()
    redis.call('HSET', PLAYED, field, exchange, last, exchange)
  end
  local lines = number()
  local first = redis.call('HINCRBY', HEAD, 'lines', lines) - lines
  for i = 0, lines - 1 do
    redis.call('HSET', LINES, first + i, argument())
    redis.call('HDEL', LINES, first + i - kept)
    redis.call('HINCRBY', SOURCES, argument(), 1)
    local moment = argument()
    for _ = 1, number() do
      redis.call('HSET', USED, argument(), moment)
    end
  end
  for _ = 1, number() do
    local line, data = argument(), argument()
    if redis.call('HEXISTS', LINES, line) == 1 then
      redis.call('HSET', LINES, line, data)
    end
  end
  return first
end
