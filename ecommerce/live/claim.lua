-- Make the caller the only writer of a partition, if its generation still serves or is being built.
-- KEYS: the partition, the header; ARGV: writer, offset of a new partition, generation, partition's number.
-- Answers the partition's fields and values; false for another generation; 'lost' where the partition was there and is gone.
local header = redis.call('HMGET', KEYS[2], 'generation', 'building', 'claimed:' .. ARGV[3] .. ':' .. ARGV[4])
if header[1] ~= ARGV[3] and header[2] ~= ARGV[3] then return false end
if header[3] and redis.call('EXISTS', KEYS[1]) == 0 then return 'lost' end
redis.call('HSET', KEYS[2], 'claimed:' .. ARGV[3] .. ':' .. ARGV[4], 1)
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
redis.call('HSET', KEYS[1], 'writer', epoch .. ':' .. ARGV[1])
redis.call('HSETNX', KEYS[1], 'next', ARGV[2])
return redis.call('HGETALL', KEYS[1])
