-- maintenance.lua: show a maintenance page while something is done, by the route of a Cloudflare Worker.
-- SPDX-License-Identifier: MIT
--
-- The Worker is deployed ahead; only its route is set and taken back. A route that has the pattern already is swapped
-- and swapped back: deleting it would take the site's own Worker away.

local cloudflare = cairn.plugin "cloudflare"

local maintenance = {}

-- Run body() with the page shown. Without a route there is nothing to show. The page goes on every way out of body().
function maintenance.during(pattern, script, body)
  if not pattern then
    return body()
  end
  -- Looked at before, not in enter(): after a resume enter() runs anew, when the route may be ours already.
  local before = cloudflare.get_route { pattern = pattern }
  return cairn.during(function ()
    cloudflare.set_route { pattern = pattern, script = script }
  end, function ()
    if before.found then
      cloudflare.set_route { pattern = pattern, script = before.script }
    else
      cloudflare.delete_route { pattern = pattern, script = script }
    end
  end, body)
end

return maintenance
