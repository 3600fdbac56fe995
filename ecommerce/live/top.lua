-- KEYS: rank, gross, units, name of one shop-day's products; ARGV[1]: how many.
-- Answers item, gross, units, name for each, by gross revenue.
local rows = {}
for _, item in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, ARGV[1] - 1)) do
  rows[#rows + 1] = {
    item, redis.call('HGET', KEYS[2], item) or '0', redis.call('HGET', KEYS[3], item) or '0', redis.call('HGET', KEYS[4], item) or ''
  }
end
return rows
