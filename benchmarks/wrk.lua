-- Sends the signed messages of a file, each once; then from the start again (which the portal takes for repeats).
-- With a second argument it ends after so many answers, and reports only these.
local paths, signatures, bodies, at = {}, {}, {}, 0

local function stop_after(most)
  local requests, errors = 0, 0
  -- wrk looks for this function after `init`; it slows wrk, so that it is there only when needed.
  function response(status)
    requests = requests + 1
    if status ~= 200 then errors = errors + 1 end
    if requests == most then
      io.write(string.format('{"requests": %d, "errors": %d}\n', requests, errors))
      os.exit(0)
    end
  end
end

function init(args)
  if args[2] then stop_after(tonumber(args[2])) end
  for line in io.lines(args[1]) do
    local path, signature, body = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
    paths[#paths + 1], signatures[#signatures + 1], bodies[#bodies + 1] = path, signature, body
  end
end

function request()
  at = at % #paths + 1
  local headers = {
    ["Content-Type"] = "application/x-www-form-urlencoded",
    ["X-Twilio-Signature"] = signatures[at],
  }
  return wrk.format("POST", paths[at], headers, bodies[at])
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
