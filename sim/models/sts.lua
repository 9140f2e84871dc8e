-- sts.lua: the model of AWS STS: who is calling, and keys of roles for a while.
-- SPDX-License-Identifier: MIT
local host = require "host"
local aws = require "aws"
local ids = require "ids"

local account = "^" .. ("%d"):rep(12) .. "$"

return function (sim)
    local M = {
        name = "sts",
        service = "sts",
        namespace = "https://sts.amazonaws.com/doc/2011-06-15/",
        version = "2011-06-15",
        unsigned = { AssumeRoleWithWebIdentity = true },
    }

    local role = {
        type = "map",
        fields = {
            account = { type = "string", pattern = account, why = "must be 12 digits, in quotes" },
            trusted = { type = "list", of = { type = "string" } },
            external_id = { type = "string" },
            web_identity = { type = "string" },
            max_session = { type = "duration", default = "1h" },
        },
    }
    M.schema = {
        type = "map",
        fields = {
            roles = { type = "table", of = role },
            session = { type = "duration" },
        },
    }

    -- Temporary keys are on the wall clock and no part of the world: access key -> who, as in world.credentials.
    local sessions = {}

    function M.temporary(key)
        return sessions[key]
    end

    -- All temporary keys end now.
    function M.expire()
        for _, who in pairs(sessions) do
            who.expires = host.wall() - 1
        end
    end

    -- Keys that end after so many ms, or after what the world file says for all.
    function M.give(who, ms)
        local new = {
            access_key = "ASIA" .. ids.letters("session", 16),
            secret = ids.hex("session secret", 40),
            token = "FwoG" .. ids.hex("session token", 120),
            expires = host.wall() + (sim.world.sts.session or ms),
        }
        for name, value in pairs(who) do
            new[name] = new[name] or value
        end
        sessions[new.access_key] = new
        return new
    end

    local function credentials(who)
        return {
            AccessKeyId = who.access_key, SecretAccessKey = who.secret, SessionToken = who.token,
            Expiration = host.format(who.expires),
        }
    end

    local function account_of(who)
        return who.account or sim.world.account
    end

    local function arn_of(who)
        if who.role then
            return ("arn:aws:sts::%s:assumed-role/%s/%s"):format(account_of(who), who.role, who.session)
        end
        return ("arn:aws:iam::%s:user/%s"):format(account_of(who), who.user)
    end

    local function id_of(who)
        if who.role then
            return ("AROA%s:%s"):format(sim.role_ids[who.role], who.session)
        end
        return "AIDA" .. sim.user_ids[who.of or who.access_key]
    end

    local function caller_identity(_, req)
        return { Account = account_of(req.who), Arn = arn_of(req.who), UserId = id_of(req.who) }
    end

    -- ---- roles ----

    function M.role(name)
        return name and sim.world.sts.roles[name]
    end

    local function role_of(arn)
        local number, name = (arn or ""):match("^arn:aws[%w-]*:iam::(%d+):role/(.+)$")
        local found = M.role(name)
        return found and (found.account or sim.world.account) == number and found or nil, name
    end

    local function lasts(form, limit)
        local seconds = aws.integer(form, "DurationSeconds", 3600)
        if seconds < 900 or seconds * 1000 > limit then
            aws.fail("ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        end
        return seconds * 1000
    end

    local function trusts(list, who)
        for _, name in ipairs(list) do
            if name == (who.role or who.user) then
                return true
            end
        end
        return #list == 0
    end

    local function assumed(form, found, name)
        local session = aws.required(form, "RoleSessionName")
        if #session < 2 or session:find("[^%w+=,.@_-]") then
            aws.fail("ValidationError",
                "1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint")
        end
        local who = M.give({ account = found.account, role = name, session = session }, lasts(form, found.max_session))
        return {
            Credentials = credentials(who),
            AssumedRoleUser = { Arn = arn_of(who), AssumedRoleId = id_of(who) },
        }
    end

    local function assume_role(form, req)
        local arn = aws.required(form, "RoleArn")
        local found, name = role_of(arn)
        if not found or not trusts(found.trusted, req.who) or found.external_id ~= form.ExternalId then
            aws.fail("AccessDenied", ("User: %s is not authorized to perform: sts:AssumeRole on resource: %s"):format(
                arn_of(req.who), arn), 403)
        end
        return assumed(form, found, name)
    end

    local function assume_role_with_web_identity(form)
        local found, name = role_of(aws.required(form, "RoleArn"))
        local token = aws.required(form, "WebIdentityToken")
        if not found or not found.web_identity then
            aws.fail("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
        elseif found.web_identity ~= token then
            aws.fail("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider")
        end
        local result = assumed(form, found, name)
        result.SubjectFromWebIdentityToken = "system:serviceaccount:default:cairn"
        return result
    end

    local function session_token(form, req)
        if req.who.token then
            aws.fail("AccessDenied", "Cannot call GetSessionToken with session credentials", 403)
        end
        local who = M.give({ account = req.who.account, user = req.who.user, of = req.who.access_key },
            lasts(form, 36 * 3600000))
        return { Credentials = credentials(who) }
    end

    function M.start()
        sim.user_ids, sim.role_ids = {}, {}
        for _, c in ipairs(sim.world.credentials) do
            sim.user_ids[c.access_key] = ids.letters("user", 17)
        end
        local names = {}
        for name in pairs(sim.world.sts.roles) do
            names[#names + 1] = name
        end
        table.sort(names)
        for _, name in ipairs(names) do
            sim.role_ids[name] = ids.letters("role", 17)
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

    M.operations = {
        GetCallerIdentity = caller_identity,
        AssumeRole = assume_role,
        AssumeRoleWithWebIdentity = assume_role_with_web_identity,
        GetSessionToken = session_token,
    }
    return aws.query_model(sim, M)
end
