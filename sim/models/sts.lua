-- sts.lua: the model of AWS STS: who is calling.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local ids = require "ids"

return function (sim)
    local M = {
        name = "sts",
        service = "sts",
        namespace = "https://sts.amazonaws.com/doc/2011-06-15/",
        version = "2011-06-15",
    }

    local function caller_identity(_, req)
        local account = req.who.account or sim.world.account
        return {
            Account = account,
            Arn = ("arn:aws:iam::%s:user/%s"):format(account, req.who.user),
            UserId = "AIDA" .. sim.user_ids[req.who.access_key],
        }
    end

    function M.start()
        sim.user_ids = {}
        for _, c in ipairs(sim.world.credentials) do
            sim.user_ids[c.access_key] = ids.letters("user", 17)
        end
    end

    -- The first credentials of the world are the operator's.
    function M.environment(place)
        local c = sim.world.credentials[1]
        local list = {
            { "AWS_ENDPOINT_URL", place.url },
            { "AWS_REGION", sim.world.region },
            { "AWS_DEFAULT_REGION", sim.world.region },
            { "AWS_EC2_METADATA_DISABLED", "true" },
            { "AWS_PAGER", "" },
        }
        if c then
            list[#list + 1] = { "AWS_ACCESS_KEY_ID", c.access_key }
            list[#list + 1] = { "AWS_SECRET_ACCESS_KEY", c.secret }
            list[#list + 1] = c.token and { "AWS_SESSION_TOKEN", c.token } or nil
        end
        return list
    end

    M.operations = { GetCallerIdentity = caller_identity }
    return aws.query_model(sim, M)
end
