-- wrk's script: sends the requests of the file that PLUMB_REQUESTS names in turn, each behind its length in ten digits; at the end one line of JSON for the caller.
local requests = {}
local sent = 0

function init()
  local file = assert(io.open(os.getenv("PLUMB_REQUESTS"), "rb"))
  for length in function() return file:read(10) end do
    requests[#requests + 1] = file:read(tonumber(length))
  end
end

function request()
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
