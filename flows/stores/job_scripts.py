"""The steps from one state of a job to the next, each as one script that Redis runs as a whole."""

from __future__ import annotations

PREFIX = "realtime:batch"

_BEGIN = f"""
local prefix = '{PREFIX}:'
local queue, running, workers = prefix .. 'queue', prefix .. 'running', prefix .. 'workers'
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local function job(id) return prefix .. 'job:' .. id end
local function stamp() return string.format('%.6f', now) end
local function state(id) return redis.call('HGET', job(id), 'state') end
local function held(id, attempt)
  return state(id) == 'running' and redis.call('HGET', job(id), 'attempt') == attempt
end
local function close(id, how, reason)
  redis.call('ZREM', running, id)
  redis.call('HSET', job(id), 'state', how, 'reason', reason, 'ended', stamp(), 'cancelling', '0')
end
"""

_REAP = """
local function reap(reason)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', running, '-inf', now)) do
    local wanted = redis.call('HGET', job(id), 'cancelling') == '1'
    close(id, wanted and 'cancelled' or 'failed', reason)
    redis.call('HSET', job(id), 'lost', '1')
  end
end
"""

_SUBMIT = """
local id, project, kind, order = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local ours, waiting = prefix .. 'jobs:' .. project, 0
for _, other in ipairs(redis.call('LRANGE', ours, 0, -1)) do
  if state(other) == 'queued' then waiting = waiting + 1 end
end
if waiting >= tonumber(ARGV[5]) then return 0 end
redis.call('HSET', job(id), 'project', project, 'kind', kind, 'order', order, 'state', 'queued',
  'created', stamp())
redis.call('LPUSH', ours, id)
redis.call('RPUSH', queue, id)
while redis.call('LLEN', ours) > tonumber(ARGV[6]) do
  local oldest = redis.call('LINDEX', ours, -1)
  local how = state(oldest)
  if how == 'queued' or how == 'running' then break end
  redis.call('RPOP', ours)
  redis.call('DEL', job(oldest))
end
return 1
"""

_TAKE = """
reap(ARGV[3])
local busy = {}
for _, id in ipairs(redis.call('ZRANGE', running, 0, -1)) do
  busy[redis.call('HGET', job(id), 'project')] = true
end
for _, id in ipairs(redis.call('LRANGE', queue, 0, -1)) do
  if not busy[redis.call('HGET', job(id), 'project')] then
    redis.call('LREM', queue, 1, id)
    redis.call('ZADD', running, now + ARGV[2], id)
    redis.call('HINCRBY', job(id), 'attempt', 1)
    redis.call('HSET', job(id), 'state', 'running', 'worker', ARGV[1], 'started', stamp(),
      'progress', '0', 'stage', 'starting')
    return id
  end
end
return false
"""

_HOLD = """
local id = ARGV[1]
if not held(id, ARGV[2]) then return 'gone' end
redis.call('ZADD', running, now + ARGV[3], id)
redis.call('HSET', job(id), 'progress', ARGV[4], 'stage', ARGV[5])
return redis.call('HGET', job(id), 'cancelling') == '1' and 'cancelled' or 'held'
"""

# A worker that was taken for lost may have done its work all the same.
_END = """
local id, attempt = ARGV[1], ARGV[2]
local late = redis.call('HGET', job(id), 'lost') == '1'
  and redis.call('HGET', job(id), 'attempt') == attempt
if not (late or held(id, attempt)) then return 0 end
close(id, ARGV[3], ARGV[4])
redis.call('HDEL', job(id), 'lost')
redis.call('HSET', job(id), 'result', ARGV[5])
if ARGV[3] == 'done' then redis.call('HSET', job(id), 'progress', '1', 'stage', 'done') end
return 1
"""

_PUT_BACK = """
local id = ARGV[1]
if not held(id, ARGV[2]) then return 0 end
redis.call('ZREM', running, id)
if redis.call('HGET', job(id), 'cancelling') == '1' then
  close(id, 'cancelled', '')
else
  redis.call('HSET', job(id), 'state', 'queued', 'progress', '0', 'stage', '')
  redis.call('HDEL', job(id), 'started', 'worker')
  redis.call('LPUSH', queue, id)
end
return 1
"""

_CANCEL = """
local id = ARGV[1]
local how = state(id)
if how == 'queued' then
  redis.call('LREM', queue, 0, id)
  close(id, 'cancelled', '')
elseif how == 'running' then
  redis.call('HSET', job(id), 'cancelling', '1')
else
  return 0
end
return 1
"""

_BEAT = """
redis.call('ZADD', workers, now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', workers, '-inf', now - ARGV[2])
"""

_WORKERS = """
return redis.call('ZCOUNT', workers, now - ARGV[1], '+inf')
"""

_WAITING = """
local first = redis.call('LINDEX', queue, 0)
if not first then return {0, '0'} end
local since = redis.call('HGET', job(first), 'created') or now
return {redis.call('LLEN', queue), tostring(now - since)}
"""

ALL = {
    "submit": _BEGIN + _SUBMIT,
    "reap": _BEGIN + _REAP + "reap(ARGV[1])",
    "take": _BEGIN + _REAP + _TAKE,
    "hold": _BEGIN + _HOLD,
    "end": _BEGIN + _END,
    "put_back": _BEGIN + _PUT_BACK,
    "cancel": _BEGIN + _CANCEL,
    "beat": _BEGIN + _BEAT,
    "workers": _BEGIN + _WORKERS,
    "waiting": _BEGIN + _WAITING,
}
