-- alert.lua: tell people that something needs them, by the plugin notify; used by workflows that nobody watches.
-- SPDX-License-Identifier: MIT
--
-- A message that can't be delivered must not stop what it is about: that it wasn't is in the run's log and report.

local notify = cairn.plugin "notify"

local alert = {}

local function send(message)
  local sent, err = pcall(notify.send, message)
  if sent then
    return true
  elseif err.kind == "cancelled" then
    error(err, 0)
  end
  cairn.log("not delivered: " .. message.text .. " (" .. err.text .. ")")
  cairn.report("not delivered: " .. message.title, err.text)
  return false
end

-- Something is wrong and stays so until a person acts. `details` is a table of texts.
function alert.raise(title, text, details)
  return send { title = title, text = text, severity = "alert", details = details }
end

-- Something is so, and somebody may want to know it.
function alert.tell(title, text, details)
  return send { title = title, text = text, severity = "info", details = details }
end

return alert
