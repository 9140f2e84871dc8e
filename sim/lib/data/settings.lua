-- settings.lua: what a real server is configured with, out of the parameter groups that are in force.
-- SPDX-License-Identifier: MIT
local M = {}

-- Those that depend on a machine's size, or on libraries that may not be here.
local left_out = { shared_buffers = true, huge_pages = true, shared_preload_libraries = true, wal_buffers = true,
    effective_cache_size = true, temp_buffers = true }

local since = { max_slot_wal_keep_size = 13 }

local function add(out, values, major)
    for name, value in pairs(values or {}) do
        local formula = value:find("[{(]")
        if not left_out[name] and not formula and major >= (since[name] or 0) then
            out[name] = value
        end
    end
end

-- groups: lists of values, of which the later ones count.
function M.of(groups, read_only, major)
    local out = {}
    for _, values in ipairs(groups) do
        add(out, values, major)
    end
    if out["rds.logical_replication"] == "1" then
        out.wal_level = "logical"
    end
    out["rds.logical_replication"] = out["rds.logical_replication"] == "1" and "on" or "off"
    out.default_transaction_read_only = read_only and "on" or "off"
    return out
end

return M
