-- maintenance.lua: show a maintenance page while something is done, by the route of a Cloudflare Worker.
-- SPDX-License-Identifier: MIT
--
-- The Worker is deployed ahead; only its route is set and taken back. A route that has the pattern already is swapped
-- and swapped back: deleting it would take the site's own Worker away.

local way_back = require "cairn.way_back"
local cloudflare = cairn.plugin "cloudflare"

local maintenance = {}

-- Run body() with the page shown. Without a route there is nothing to show. The page goes on every way out of body(),
-- and also by `cairn rollback` of a run whose driver died within.
function maintenance.during(pattern, script, way, body)
  if not pattern then
    return body()
  end
  -- Looked at before, not in enter(): after a resume enter() runs anew, when the route may be ours already.
  local before = cloudflare.get_route { pattern = pattern }
  local function put_back()
    local now = cloudflare.get_route { pattern = pattern }
    if not now.found or now.script ~= script then
      return
    elseif before.found then
      cloudflare.set_route { pattern = pattern, script = before.script }
    else
      cloudflare.delete_route { pattern = pattern, script = script }
    end
  end
  way_back.add(way, "take the maintenance page away", put_back)
  local function show()
    local previous = cloudflare.set_route({ pattern = pattern, script = script }).previous
    if previous and previous ~= script then -- somebody made that route just before
      before = { found = true, script = previous }
    end
  end
  return cairn.during(show, put_back, body)
end

return maintenance
