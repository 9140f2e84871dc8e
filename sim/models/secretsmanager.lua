-- secretsmanager.lua: the model of AWS Secrets Manager: secrets, their versions, and the stages of these.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local awsjson = require "awsjson"
local host = require "host"
local ids = require "ids"

return function (sim)
    local M = { name = "secretsmanager", service = "secretsmanager", target = "secretsmanager", json = "1.1",
        operations = {} }

    M.schema = {
        type = "map",
        fields = {
            secrets = {
                type = "table",
                of = {
                    type = "map",
                    fields = {
                        value = { type = "string", required = true },
                        previous = { type = "string" },
                        description = { type = "string", default = "" },
                        kms_key = { type = "string" },
                        kms_denied = { type = "boolean", default = false },
                        owner = { type = "string" },
                        tags = { type = "table", of = { type = "string" } },
                    },
                },
            },
        },
    }

    -- name -> { name, arn, versions = { { id, value, stages, created } } oldest first, ... }
    local function secrets()
        return sim.state("secretsmanager").secrets
    end

    local function add_version(s, id, value, stages)
        s.versions[#s.versions + 1] = { id = id, value = value, stages = stages, created = sim.now() }
    end

    function M.start(section)
        sim.state("secretsmanager").secrets = {}
        local names = {}
        for name in pairs(section.secrets) do
            names[#names + 1] = name
        end
        table.sort(names)
        for _, name in ipairs(names) do
            local given = section.secrets[name]
            local s = {
                name = name, description = given.description, kms_key = given.kms_key, denied = given.kms_denied,
                owner = given.owner, tags = given.tags, versions = {}, created = sim.now() - 86400000,
                arn = ("arn:aws:secretsmanager:%s:%s:secret:%s-%s"):format(sim.world.region, sim.world.account, name,
                    ids.letters("secret", 6)),
            }
            if given.previous then
                add_version(s, ids.uuid("secret version"), given.previous, { "AWSPREVIOUS" })
            end
            add_version(s, ids.uuid("secret version"), given.value, { "AWSCURRENT" })
            secrets()[name] = s
        end
    end

    local function find(body)
        local id = awsjson.required(body, "SecretId")
        for _, s in pairs(secrets()) do
            if s.name == id or s.arn == id or s.arn:match("^(.*)%-%w+$") == id then
                return s
            end
        end
        aws.fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", 400)
    end

    local function version(s, id)
        for _, v in ipairs(s.versions) do
            if v.id == id then
                return v
            end
        end
        return nil
    end

    local function has(v, stage)
        for i, own in ipairs(v.stages) do
            if own == stage then
                return i
            end
        end
        return nil
    end

    local function holder(s, stage)
        for _, v in ipairs(s.versions) do
            if has(v, stage) then
                return v
            end
        end
        return nil
    end

    local function drop(s, stage)
        local v = holder(s, stage)
        if v then
            table.remove(v.stages, has(v, stage))
        end
        return v
    end

    -- A stage is at one version only; the version that was current before is the previous one.
    local function give(s, v, stage)
        if has(v, stage) then
            return
        end
        local before = drop(s, stage)
        v.stages[#v.stages + 1] = stage
        if stage == "AWSCURRENT" and before then
            drop(s, "AWSPREVIOUS")
            before.stages[#before.stages + 1] = "AWSPREVIOUS"
        end
    end

    local function check_key(s, code, what)
        if s.denied then
            aws.fail(code, ("Secrets Manager can't %s the protected secret text using the provided KMS key."):format(
                what))
        end
    end

    function M.operations.GetSecretValue(body)
        local s = find(body)
        local v
        if body.VersionId then
            v = version(s, body.VersionId)
        else
            v = holder(s, body.VersionStage or "AWSCURRENT")
        end
        if not v or body.VersionStage and not has(v, body.VersionStage) then
            aws.fail("ResourceNotFoundException", ("Secrets Manager can't find the specified secret value for %s: %s")
                :format(body.VersionId and "VersionId" or "staging label",
                    body.VersionId or body.VersionStage or "AWSCURRENT"))
        end
        check_key(s, "DecryptionFailure", "decrypt")
        return {
            ARN = s.arn, Name = s.name, VersionId = v.id, SecretString = v.value, CreatedDate = v.created / 1000,
            VersionStages = host.list(v.stages),
        }
    end

    local function render(s)
        local stages = {}
        for _, v in ipairs(s.versions) do
            if #v.stages > 0 then
                stages[v.id] = host.list(v.stages)
            end
        end
        local tags = host.list {}
        for key, value in pairs(s.tags) do
            tags[#tags + 1] = { Key = key, Value = value }
        end
        return {
            ARN = s.arn, Name = s.name, Description = s.description ~= "" and s.description or nil,
            KmsKeyId = s.kms_key, RotationEnabled = false, OwningService = s.owner, Tags = tags,
            CreatedDate = s.created / 1000, LastChangedDate = s.versions[#s.versions].created / 1000,
        }, stages
    end

    function M.operations.DescribeSecret(body)
        local out, stages = render(find(body))
        out.VersionIdsToStages = stages
        return out
    end

    function M.operations.ListSecrets(body)
        local names, items = {}, {}
        for name in pairs(secrets()) do
            names[#names + 1] = name
        end
        table.sort(names)
        for i, name in ipairs(names) do
            local out, stages = render(secrets()[name])
            out.SecretVersionsToStages = stages
            items[i] = out
        end
        return awsjson.page(body, items, "SecretList", 100)
    end

    function M.operations.ListSecretVersionIds(body)
        local s, items = find(body), {}
        for _, v in ipairs(s.versions) do
            if #v.stages > 0 or body.IncludeDeprecated == true then
                items[#items + 1] = {
                    VersionId = v.id, VersionStages = host.list(v.stages), CreatedDate = v.created / 1000,
                }
            end
        end
        local page = awsjson.page(body, items, "Versions", 100)
        page.ARN, page.Name = s.arn, s.name
        return page
    end

    -- The same token with the same value is the same request; with another value it is refused.
    function M.operations.PutSecretValue(body)
        local s = find(body)
        local id = awsjson.required(body, "ClientRequestToken")
        local there = version(s, id)
        if #id < 32 or #id > 64 then
            aws.fail("InvalidParameterException", "ClientRequestToken must have a length of 32 to 64")
        elseif type(body.SecretString) ~= "string" then
            aws.fail("InvalidParameterException", "You must provide either SecretString or SecretBinary.")
        end
        check_key(s, "EncryptionFailure", "encrypt")
        if there and there.value ~= body.SecretString then
            aws.fail("ResourceExistsException", "The operation failed because you tried to use a ClientRequestToken "
                .. "that was used before with another value.")
        elseif not there then
            sim.ledger { target = s.name }
            add_version(s, id, body.SecretString, {})
            there = s.versions[#s.versions]
            for _, stage in ipairs(body.VersionStages or { "AWSCURRENT" }) do
                give(s, there, stage)
            end
        end
        return { ARN = s.arn, Name = s.name, VersionId = id, VersionStages = host.list(there.stages) }
    end

    function M.operations.UpdateSecretVersionStage(body)
        local s = find(body)
        local stage = awsjson.required(body, "VersionStage")
        local to = body.MoveToVersionId and version(s, body.MoveToVersionId)
        local now = holder(s, stage)
        if body.MoveToVersionId and not to then
            aws.fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret version.")
        elseif now and (body.RemoveFromVersionId ~= now.id) and to ~= now then
            aws.fail("InvalidParameterException", ("The parameter RemoveFromVersionId can't be empty or another. "
                .. "Staging label %s is currently attached to version %s."):format(stage, now.id))
        end
        sim.ledger { target = s.name, note = stage }
        if to then
            give(s, to, stage)
        else
            drop(s, stage)
        end
        return { ARN = s.arn, Name = s.name }
    end

    -- Ids of versions differ from run to run; their order doesn't.
    function M.export()
        local out = {}
        for name, s in pairs(secrets()) do
            local versions = host.list {}
            for i, v in ipairs(s.versions) do
                versions[i] = { value = v.value, stages = host.list(v.stages) }
            end
            out[name] = versions
        end
        return out
    end

    return awsjson.model(sim, M)
end
