-- Make the caller the only writer of a partition. KEYS[1]: the partition; ARGV: writer, offset of a new partition.
-- Answers the partition's fields and values.
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
redis.call('HSET', KEYS[1], 'writer', epoch .. ':' .. ARGV[1])
redis.call('HSETNX', KEYS[1], 'next', ARGV[2])
return redis.call('HGETALL', KEYS[1])
