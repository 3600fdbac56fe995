-- One batch of one partition, all or nothing. Redis does not undo a script that fails half-way: everything
-- that can fail is read and checked first; the first write, which Redis refuses when it is full or cannot save,
-- marks the partition as torn, and the last one moves its offset and takes the mark away, in one command.
-- ARGV[1]: the request of request.py in MessagePack. Answers an array whose first value is one of
--   applied | stale (another writer) | torn (an earlier step ended half-way) | moved, offset | known, ids, transactions | full, key | damaged, key
redis.replicate_commands()
local CHUNK = 5000
local r = cmsgpack.unpack(ARGV[1])

local function chunks(list, size, visit)
  for first = 1, #list, size do
    local last = math.min(first + size - 1, #list)
    visit(first, unpack(list, first, last))
  end
end

-- 1. Is it this writer's turn, and this batch's?
local stored = redis.call('HMGET', r.partition, 'writer', 'next', 'torn')
if stored[1] ~= r.writer then return {'stale'} end
if stored[3] and stored[3] ~= '' then return {'torn', stored[3]} end
if stored[2] ~= r.first then return {'moved', stored[2] or ''} end

local function kind(key) return redis.call('TYPE', key).ok end

-- 2. Which events were counted before?
local ids, transactions = {}, {}
for _, group in ipairs(r.seen) do
  for _, key in ipairs(group.check) do
    local is = kind(key)
    if is == 'set' then
      chunks(group.ids, CHUNK, function(first, ...)
        for i, found in ipairs(redis.call('SMISMEMBER', key, ...)) do
          if found == 1 then ids[#ids + 1] = group.ids[first + i - 1] end
        end
      end)
    elseif is ~= 'none' then
      return {'damaged', key}
    end
  end
end
for _, group in ipairs(r.transactions) do
  for _, key in ipairs(group.check) do
    local is = kind(key)
    if is == 'hash' then
      chunks(group.fields, CHUNK, function(first, ...)
        for i, event in ipairs(redis.call('HMGET', key, ...)) do
          if event then transactions[#transactions + 1] = {group.shop, group.fields[first + i - 1], event} end
        end
      end)
    elseif is ~= 'none' then
      return {'damaged', key}
    end
  end
end
if #ids > 0 or #transactions > 0 then return {'known', ids, transactions} end

-- 3. Would any write fail? Every sum is a part of its shop-day's and none is negative, so the day's check
-- covers hours, minutes and products; a double is good enough to see that 2^63 is far.
local function fits(key, wanted)
  local is = kind(key)
  return is == 'none' or is == wanted
end
local function hyperloglog(key)
  return redis.call('EXISTS', key) == 0 or (fits(key, 'string') and redis.call('GETRANGE', key, 0, 3) == 'HYLL')
end
for _, list in ipairs({r.days, r.add, r.put, r.breakdown}) do
  for _, e in ipairs(list) do if not fits(e[1], 'hash') then return {'damaged', e[1]} end end
end
for _, e in ipairs(r.distinct) do if not hyperloglog(e[1]) then return {'damaged', e[1]} end end
for _, e in ipairs(r.rank) do if not fits(e[1], 'zset') then return {'damaged', e[1]} end end
for _, e in ipairs(r.latest) do if not fits(e[1], 'list') then return {'damaged', e[1]} end end
for _, e in ipairs(r.rate) do if not fits(e[1], 'string') then return {'damaged', e[1]} end end
for _, e in ipairs(r.days) do
  for i = 1, #e[3], 2 do
    local sum = tonumber(redis.call('HGET', e[1], e[3][i]) or '0')
    if not sum then return {'damaged', e[1]} end
    if sum + tonumber(e[3][i + 1]) > 9e18 then return {'full', e[1]} end
  end
end

-- 4. Write.
redis.call('HSET', r.partition, 'torn', r.first)
for _, e in ipairs(r.seen) do
  chunks(e.ids, CHUNK, function(_, ...) redis.call('SADD', e.add, ...) end)
  redis.call('EXPIREAT', e.add, e['until'])
end
for _, e in ipairs(r.transactions) do
  chunks(e.pairs, CHUNK, function(_, ...) redis.call('HSET', e.add, ...) end)
  redis.call('EXPIREAT', e.add, e['until'])
end
for _, list in ipairs({r.days, r.add}) do
  for _, e in ipairs(list) do
    for i = 1, #e[3], 2 do redis.call('HINCRBY', e[1], e[3][i], e[3][i + 1]) end
    redis.call('EXPIREAT', e[1], e[2])
  end
end
for _, e in ipairs(r.breakdown) do
  for i = 1, #e[3], 4 do
    local value, events = e[3][i], 'events:' .. e[3][i]
    if redis.call('HLEN', e[1]) >= 3 * r.max_values and redis.call('HEXISTS', e[1], events) == 0 then value = r.other end
    for n, measure in ipairs({'events:', 'orders:', 'gross_revenue:'}) do
      redis.call('HINCRBY', e[1], measure .. value, e[3][i + n])
    end
  end
  redis.call('EXPIREAT', e[1], e[2])
end
for _, e in ipairs(r.distinct) do
  chunks(e[3], CHUNK, function(_, ...) redis.call('PFADD', e[1], ...) end)
  redis.call('EXPIREAT', e[1], e[2])
end
for _, e in ipairs(r.rank) do
  for i = 1, #e[3], 2 do redis.call('ZINCRBY', e[1], e[3][i], e[3][i + 1]) end
  redis.call('EXPIREAT', e[1], e[2])
end
for _, e in ipairs(r.put) do
  chunks(e[3], CHUNK, function(_, ...) redis.call('HSET', e[1], ...) end)
  redis.call('EXPIREAT', e[1], e[2])
end
for _, e in ipairs(r.latest) do
  redis.call('LPUSH', e[1], unpack(e[4]))
  redis.call('LTRIM', e[1], 0, e[3] - 1)
  redis.call('EXPIREAT', e[1], e[2])
end
for _, e in ipairs(r.newest) do
  local top = tonumber(redis.call('HGET', e[1], 'last_event_ms') or '-1e18')
  if tonumber(e[2]) > top then redis.call('HSET', e[1], 'last_event_ms', e[2]) end
  if e[3] then redis.call('HSET', e[1], 'lag_ms', e[3]) end
end
for _, e in ipairs(r.rate) do
  redis.call('INCRBY', e[1], e[3])
  redis.call('EXPIREAT', e[1], e[2])
end
for _, shop in ipairs(r.publish) do redis.call('PUBLISH', r.channel, shop) end
if #r.watermarks > 0 then redis.call('HSET', r.partition, unpack(r.watermarks)) end
redis.call('HSET', r.partition, 'next', r.next, 'torn', '')
return {'applied'}
