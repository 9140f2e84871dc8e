-- strikes.lua: the kinds of faults that strike requests, of whatever service: refusals, lost replies, old answers.
-- SPDX-License-Identifier: MIT
local faults = require "faults"

local page = "<!DOCTYPE html>\n<html><head><title>Please sign in</title></head>"
    .. "<body><h1>Sign in to the network</h1></body></html>\n"

local statuses = { throttle = 429, expired = 401, conflict = 409, denied = 403, error_5xx = 503 }

-- Refused as the service refuses such things.
local function refusal(kind)
    return function (fault, req)
        if req.model.error then
            return req.model.error(kind, req, fault)
        end
        return { status = statuses[kind], body = kind .. "\n" }
    end
end

local retry_after = { type = "integer", min = 0, help = "seconds that the reply's Retry-After says" }
local ms = { type = "integer", default = 1000, min = 0, help = "so late, on the wall clock" }
local reads = { type = "integer", default = 5, min = 1, max = 1000, help = "so many reads see what was before" }
local flapping = { type = "boolean", default = false, help = "every other of these reads sees what is" }

local kinds = {
    throttle = { help = "Refused for too many requests.", instead = refusal "throttle",
        params = { retry_after = retry_after } },
    error_5xx = { help = "An internal error, without effect.", instead = refusal "error_5xx" },
    expired = { help = "Refused as if the credentials had expired.", instead = refusal "expired" },
    conflict = { help = "Refused because something else is being done to the thing.", instead = refusal "conflict" },
    denied = { help = "Refused for a permission that the caller lacks.", instead = refusal "denied" },
    error_5xx_after = { help = "Takes effect, then HTTP 500.", spoil = function (_, reply)
        reply.status, reply.body = 500, "the connection to the service was lost\n"
        reply.headers = { ["Content-Type"] = "text/plain" }
    end },
    cut_before = { help = "The connection ends, without effect.",
        instead = function () return { status = 500, way = "cut" } end },
    cut_after = { help = "Takes effect; the connection ends without a reply.",
        spoil = function (_, reply) reply.way = "cut" end },
    truncate = { help = "Takes effect; the connection ends in the middle of the reply.",
        spoil = function (_, reply) reply.way = "truncate" end },
    slow = { help = "Takes effect; the reply comes late.", params = { ms = ms },
        spoil = function (fault, reply) reply.delay = fault.ms end },
    html = { help = "A sign-in page with status 200 instead of the service, without effect.", instead = function ()
        return { status = 200, headers = { ["Content-Type"] = "text/html" }, body = page }
    end },
    stale = { help = "Reads see their service as it was before its last change.", reads = true },
}

for name, kind in pairs(kinds) do
    kind.request = true
    faults.declare("every service", name, kind)
end

faults.declare("every service", "lag", {
    help = "The reads that follow a change see the service as it was before it: what was made isn't found yet, what "
        .. "was changed looks unchanged. With match.target, the change and the reads that name it.",
    params = { reads = reads, flapping = flapping },
})
