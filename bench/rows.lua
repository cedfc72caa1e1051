-- wrk's script: each request carries another row, from the JSON-lines file that PLUMB_ROWS names; at the end one line of JSON for the caller.
local requests = {}
local sent = 0

function init()
  local headers = { ["content-type"] = "application/json" }
  for row in io.lines(os.getenv("PLUMB_ROWS")) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, row)
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
