-- Let the generation that was built serve, and fence the writers of the one before.
-- KEYS: the header, the sign of a rebuild, the old generation's partitions; ARGV[1]: the generation built.
-- Answers 1, or 0 where another rebuild has begun meanwhile.
if redis.call('HGET', KEYS[1], 'building') ~= ARGV[1] then return 0 end
for i = 3, #KEYS do redis.call('HSET', KEYS[i], 'writer', 'retired') end
redis.call('DEL', KEYS[2])
redis.call('HDEL', KEYS[1], 'building')
redis.call('HSET', KEYS[1], 'generation', ARGV[1])
return 1
