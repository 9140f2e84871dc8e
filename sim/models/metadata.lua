-- metadata.lua: the addresses at which a machine finds its own keys: those of an instance and those of a container.
-- SPDX-License-Identifier: MIT
local host = require "host"
local ids = require "ids"
local schema = require "schema"

return function (sim)
    local M = { name = "metadata" }

    M.schema = {
        type = "map",
        fields = {
            instance = {
                type = "map", optional = true,
                fields = {
                    role = { type = "string", required = true },
                    version_1 = { type = "boolean", default = false },
                },
            },
            container = {
                type = "map", optional = true,
                fields = { role = { type = "string", required = true }, token = { type = "string" } },
            },
        },
    }

    function M.start(section)
        for _, name in ipairs { "instance", "container" } do
            local role = section[name] and section[name].role
            if role and not sim.by_name.sts.role(role) then
                schema.fail(sim.where, ("/metadata/%s/role"):format(name), "sts.roles has no role " .. role)
            end
        end
    end

    local tokens = {} -- of sessions of version 2, on the wall clock

    local function text(status, body)
        return { status = status, headers = { ["Content-Type"] = "text/plain" }, body = body }
    end

    local function refuse(status, why)
        error(text(status, why), 0)
    end

    local function keys(role, session)
        local who = sim.by_name.sts.give({
            account = sim.by_name.sts.role(role).account, role = role, session = session,
        }, 6 * 3600000)
        return {
            AccessKeyId = who.access_key, SecretAccessKey = who.secret, Token = who.token,
            Expiration = host.format(who.expires),
        }
    end

    -- ---- the instance ----

    local function instance()
        return sim.world.metadata and sim.world.metadata.instance or refuse(404, "not found")
    end

    local function token(req)
        if instance().version_1 then
            refuse(404, "not found")
        end
        local seconds = tonumber(req.headers["x-aws-ec2-metadata-token-ttl-seconds"])
        if not seconds or seconds < 1 or seconds > 21600 then
            refuse(400, "bad request")
        end
        local new = ids.hex("metadata token", 56)
        tokens[new] = host.wall() + seconds * 1000
        return text(200, new)
    end

    local function check_session(req)
        if instance().version_1 then
            return
        end
        local ends = tokens[req.headers["x-aws-ec2-metadata-token"] or ""]
        if not ends or ends < host.wall() then
            refuse(401, "unauthorized")
        end
    end

    local function roles(req)
        check_session(req)
        return text(200, instance().role)
    end

    local function instance_keys(req)
        check_session(req)
        if req.params.role ~= instance().role then
            refuse(404, "not found")
        end
        local answer = keys(instance().role, "i-0123456789abcdef0")
        answer.Code, answer.Type, answer.LastUpdated = "Success", "AWS-HMAC", host.format(host.wall())
        return sim.reply(200, answer)
    end

    -- ---- the container ----

    local function container_keys(req)
        local container = sim.world.metadata and sim.world.metadata.container or refuse(404, "not found")
        if container.token and container.token ~= req.headers["authorization"] then
            return sim.reply(401, { message = "unauthorized" })
        end
        return sim.reply(200, keys(container.role, "task"))
    end

    M.routes = {
        { "PUT", "/_imds/latest/api/token", "GetToken", token, read = true },
        { "GET", "/_imds/latest/meta-data/iam/security-credentials/", "ListRoles", roles },
        { "GET", "/_imds/latest/meta-data/iam/security-credentials/{role}", "GetRole", instance_keys },
        { "GET", "/_container/credentials", "GetCredentials", container_keys },
    }

    function M.error(kind)
        return text(kind == "throttle" and 429 or kind == "expired" and 401 or 503, kind)
    end

    return M
end
