-- web.lua: pages and webhooks of a site of one's own: what smoke tests look at, and where alerts arrive.
-- SPDX-License-Identifier: MIT
local host = require "host"

-- A page follows the world: with `database`, its text may say the version, and it is away while the database is.
local page_schema = {
    type = "map",
    fields = {
        status = { type = "integer", default = 200, min = 100, max = 599 },
        text = { type = "string", default = "ok\n" }, -- {version} and {status}: those of the database
        type = { type = "string", default = "text/plain" },
        database = { type = "string" }, -- an RDS instance; 503 while it isn't available
        fails_on = { type = "list", of = { type = "string" } }, -- versions of it with which the page is a 500
    },
}

local hook_schema = {
    type = "map",
    fields = { status = { type = "integer", default = 200, min = 100, max = 599 } },
}

return function (sim)
    local M = {
        name = "web",
        schema = {
            type = "map",
            fields = {
                pages = { type = "table", of = page_schema }, -- by their paths, "health/main"
                hooks = { type = "table", of = hook_schema }, -- by their names
            },
        },
    }

    local function state()
        return sim.state "web"
    end

    function M.start(section)
        state().pages = section.pages
        state().hooks = section.hooks
        state().messages, state().tokens = {}, {}
    end

    local function reply(status, text, kind)
        return { status = status, headers = { ["Content-Type"] = kind or "text/plain" }, body = text }
    end

    local function instance(name)
        for _, i in pairs(sim.state("rds").instances or {}) do
            if i.id == name then
                return i
            end
        end
        return nil
    end

    local function listed(list, value)
        for _, one in ipairs(list) do
            if one == value then
                return true
            end
        end
        return false
    end

    local function show(req)
        local page = state().pages[req.params.path]
        if not page then
            return reply(404, "there is no such page\n")
        end
        if not page.database then
            return reply(page.status, page.text, page.type)
        end
        local i = instance(page.database)
        if not i or i.status ~= "available" then
            return reply(503, ("database %s is %s\n"):format(page.database, i and i.status or "gone"))
        elseif listed(page.fails_on, i.version) then
            return reply(500, ("tests with %s %s: 3 of 214 failed\n"):format(page.database, i.version))
        end
        local text = page.text:gsub("{(%a+)}", { version = i.version, status = i.status })
        return reply(page.status, text, page.type)
    end

    -- A message may come twice; its token tells, wherever it stands in it.
    local function came_before(req)
        local token = req.body:match('token[ ":]+(%x+)')
        local before = token and state().tokens[token]
        if token then
            state().tokens[token] = true
        end
        return before
    end

    -- Each message is kept; the ledger says what it was about.
    local function receive(req)
        local name = req.params.name
        local hook = state().hooks[name]
        if not hook then
            return reply(404, "there is no such hook\n")
        elseif hook.status >= 300 then
            return reply(hook.status, "not now\n")
        end
        if came_before(req) then
            return reply(hook.status, "had that\n")
        end
        local message = type(req.json) == "table" and req.json or { text = req.body }
        sim.ledger { target = name, note = tostring(message.title or message.text or "") }
        state().messages[#state().messages + 1] = {
            hook = name, title = message.title, text = message.text, severity = message.severity,
        }
        return reply(hook.status, "ok\n")
    end

    M.routes = {
        { "GET", "/web/{path...}", "GetPage", show },
        { "POST", "/hooks/{name}", "PostMessage", receive },
    }

    function M.error(kind)
        return reply(kind == "throttle" and 429 or kind == "expired" and 401 or kind == "conflict" and 409 or 503,
            kind .. "\n")
    end

    function M.export()
        return { messages = host.list(state().messages) }
    end

    function M.environment(place)
        local list = { { "CAIRN_SIM_WEB", place.url .. "/web" }, { "CAIRN_SIM_HOOKS", place.url .. "/hooks" } }
        for name in pairs(sim.world.web.hooks) do
            local variable = "CAIRN_SIM_HOOK_" .. name:upper():gsub("[^A-Z0-9]", "_")
            list[#list + 1] = { variable, place.url .. "/hooks/" .. name }
        end
        return list
    end

    return M
end
