-- permissions.lua: what a caller of the AWS services may not do, and when its credentials end; asked by aws.lua.
-- SPDX-License-Identifier: MIT
local faults = require "faults"

local M = {}

-- Operations that ask for other permissions than their own as well.
local needs = {
    CreateBlueGreenDeployment = { "AddTagsToResource", "CreateDBInstanceReadReplica" },
    SwitchoverBlueGreenDeployment = { "ModifyDBInstance", "PromoteReadReplica" },
    DeleteBlueGreenDeployment = { "DeleteDBInstance" },
}

local used = {} -- access key -> requests that it has signed

faults.declare("aws", "expire_credentials", {
    help = "Credentials end: requests that are signed with them are refused as expired. Others of the world go on. The "
        .. "target is the access key or the user.",
    times = 0,
})

local function covers(pattern, permission)
    return permission:find("^" .. pattern:gsub("%W", "%%%0"):gsub("%%%*", ".*") .. "$") ~= nil
end

local function denied(who, permission)
    for _, pattern in ipairs(who.deny or {}) do
        if covers(pattern, permission) then
            return true
        end
    end
    return false
end

-- The permission that the caller lacks for this request, or nil. Who one is may always be asked.
function M.lacking(who, service, action)
    if action == "GetCallerIdentity" then
        return nil
    end
    for _, each in ipairs { action, table.unpack(needs[action] or {}) } do
        if denied(who, service .. ":" .. each) then
            return service .. ":" .. each
        end
    end
    return nil
end

function M.message(user, permission)
    return ("User: %s is not authorized to perform: %s on resource: * because no identity-based policy allows the %s "
        .. "action"):format(user, permission, permission)
end

-- Have the credentials ended, by a fault or by the number of requests that they are good for? Counts this one.
function M.ended(who)
    used[who.access_key] = (used[who.access_key] or 0) + 1
    return who.requests ~= nil and used[who.access_key] > who.requests
        or faults.hit("expire_credentials", who.access_key, who.user) ~= nil
end

return M
