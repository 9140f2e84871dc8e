-- kubernetes.lua: the model of Kubernetes: clusters at /k8s/CLUSTER, their secrets, workloads and rollouts.
-- SPDX-License-Identifier: MIT
local host = require "host"
local ids = require "ids"
local check = require "kubernetes.check"
local controller = require "kubernetes.controller"
local errors = require "kubernetes.errors"
local faults = require "kubernetes.faults"
local patch = require "kubernetes.patch"
local resources = require "kubernetes.resources"
local store = require "kubernetes.store"
local tables = require "kubernetes.tables"
local world = require "kubernetes.world"

local WATCH_POLL = 20 -- wall ms between two looks for a watch
local WATCH_MAX = 30000 -- wall ms until an idle watch ends

return function (sim)
    local M = { name = "kubernetes", schema = world.schema }
    local control = controller(sim)
    local others = faults(sim)
    M.faults = others.kinds
    local namespaces = resources.find("", "namespaces")

    local function cluster_of(req)
        return sim.state("kubernetes").clusters[req.params.cluster] or errors.no_such_path()
    end

    ---- who asks ------------------------------------------------------------------------------------------------------

    local function who(cluster, req)
        local given = (req.headers.authorization or ""):match("^Bearer%s+(.-)%s*$")
        if not req.headers.authorization and cluster.section.anonymous then
            return { user = "system:anonymous" }
        end
        if given and given == cluster.section.token then
            return { user = "operator" }
        end
        for _, known in ipairs(cluster.section.tokens) do
            if given == known.token and (not known.expires or known.expires > sim.now()) then
                return known
            end
        end
        return errors.unauthorized()
    end

    local function authorize(cluster, req, verb)
        local user = who(cluster, req)
        if user.read_only and verb ~= "get" and verb ~= "list" and verb ~= "watch" then
            errors.forbidden(user.user, verb, req.resource, req.params.namespace, req.params.name)
        end
    end

    ---- answers -------------------------------------------------------------------------------------------------------

    local function shown(req, objects, version)
        return tables.make(req.resource, objects, sim.now(), version, req.query.includeObject == "Object")
    end

    local function answer(req, status, object)
        if tables.wanted(req) then
            return sim.reply(status, shown(req, { object }, object.metadata.resourceVersion))
        end
        return sim.reply(status, object)
    end

    local function find(cluster, req)
        return store.get(cluster, req.resource, req.params.namespace, req.params.name)
            or errors.not_found(req.resource, req.params.name)
    end

    ---- changes -------------------------------------------------------------------------------------------------------

    local function manager(req, object)
        local name = req.query.fieldManager or (req.headers["user-agent"] or "unknown"):match("^[^/]*")
        local fields = object.metadata.managedFields or host.list {}
        local entry
        for _, known in ipairs(fields) do
            entry = known.manager == name and known or entry
        end
        if not entry then
            entry = { manager = name, operation = "Update", apiVersion = req.resource.version, fieldsType = "FieldsV1",
                fieldsV1 = {} }
            fields[#fields + 1] = entry
        end
        entry.time = store.time(sim)
        object.metadata.managedFields = fields
    end

    local function target(req, object)
        return ("%s/%s/%s"):format(req.resource.name, object.metadata.namespace or "-", object.metadata.name)
    end

    -- The keys of a secret that differ, for the ledger; never their values.
    local function changed_keys(req, before, object)
        if req.resource.name ~= "secrets" then
            return nil
        end
        local names, all = {}, patch.merge(before.data or {}, object.data or {})
        for key in pairs(all) do
            if (before.data or {})[key] ~= (object.data or {})[key] then
                names[#names + 1] = key
            end
        end
        table.sort(names)
        return #names > 0 and "keys " .. table.concat(names, " ") or nil
    end

    -- The changed object is stored, unless it says what was there already.
    local function update(cluster, req, before, object)
        others.before_change(cluster, req.resource, before)
        local wanted = object.metadata and object.metadata.resourceVersion
        if wanted and wanted ~= before.metadata.resourceVersion then
            errors.conflict(req.resource, req.params.name)
        end
        check.object(req.resource, object, before)
        for _, fixed in ipairs { "uid", "creationTimestamp", "resourceVersion", "generation", "managedFields" } do
            object.metadata[fixed] = before.metadata[fixed]
        end
        object.status = before.status
        if patch.equal(object, before) then
            return answer(req, 200, before)
        end
        if req.query.dryRun == "All" then
            return answer(req, 200, object)
        end
        local respecified = req.resource.workload and not patch.equal(object.spec, before.spec)
        manager(req, object)
        sim.ledger { target = target(req, object), note = changed_keys(req, before, object) }
        if respecified then
            object.metadata.generation = before.metadata.generation + 1
        end
        store.put(cluster, req.resource, object)
        others.after_change(cluster, req.resource, before, object)
        if respecified then
            control.changed(cluster, req.resource, object)
        end
        return answer(req, 200, object)
    end

    local function body(req)
        if (req.headers["content-type"] or ""):find("protobuf", 1, true) then
            errors.raise(415, "UnsupportedMediaType", "the simulated cluster takes JSON only; kubectl sends it with -f")
        end
        if type(req.json) ~= "table" then
            errors.bad_request("the body isn't JSON: " .. tostring(req.json_error))
        end
        return req.json
    end

    local handlers = {}

    function handlers.patch(cluster, req)
        local kind = (req.headers["content-type"] or ""):match("^[^;%s]*")
        local apply = patch.kinds[kind]
        if not apply then
            errors.raise(415, "UnsupportedMediaType", "the body of the request was in an unknown format: " .. kind)
        end
        local before = find(cluster, req)
        local object, why = apply(before, body(req))
        if not object then
            errors.raise(422, "Invalid", "the server rejected our request due to an error in our request: " .. why)
        end
        return update(cluster, req, before, object)
    end

    function handlers.update(cluster, req)
        return update(cluster, req, find(cluster, req), patch.copy(body(req)))
    end

    function handlers.create(cluster, req)
        local object = patch.copy(body(req))
        object.metadata = type(object.metadata) == "table" and object.metadata or {}
        if object.metadata.generateName and not object.metadata.name then
            object.metadata.name = object.metadata.generateName .. ids.hex("name", 5)
        end
        object.metadata.namespace = req.params.namespace
        check.object(req.resource, object)
        local name = object.metadata.name
        if store.get(cluster, req.resource, req.params.namespace, name) then
            errors.exists(req.resource, name)
        elseif req.params.namespace and not store.get(cluster, namespaces, nil, req.params.namespace) then
            errors.not_found(namespaces, req.params.namespace)
        end
        object.metadata.uid, object.metadata.creationTimestamp = ids.uuid("kubernetes"), store.time(sim)
        object.metadata.generation, object.metadata.managedFields = req.resource.workload and 1 or nil, nil
        if req.query.dryRun == "All" then
            return answer(req, 201, object)
        end
        manager(req, object)
        sim.ledger { target = target(req, object) }
        store.put(cluster, req.resource, object)
        if req.resource.workload then
            control.changed(cluster, req.resource, object)
        end
        return answer(req, 201, object)
    end

    function handlers.delete(cluster, req)
        local object = find(cluster, req)
        if req.query.dryRun ~= "All" then
            sim.ledger { target = target(req, object) }
            store.remove(cluster, req.resource, object)
            if req.resource.workload then
                control.removed(cluster, object)
            end
        end
        return sim.reply(200, {
            kind = "Status", apiVersion = "v1", metadata = {}, status = "Success",
            details = { name = object.metadata.name, kind = req.resource.name, uid = object.metadata.uid },
        })
    end

    ---- looks ---------------------------------------------------------------------------------------------------------

    function handlers.get(cluster, req)
        return answer(req, 200, find(cluster, req))
    end

    function handlers.list(cluster, req)
        local found = store.list(cluster, req.resource, store.filter(req.params.namespace, req.query))
        local version = tostring(cluster.version)
        if tables.wanted(req) then
            return sim.reply(200, shown(req, found, version))
        end
        return sim.reply(200, {
            kind = req.resource.kind .. "List", apiVersion = req.resource.version,
            metadata = { resourceVersion = version }, items = found,
        })
    end

    local function as_event(req, event)
        local object = event.object
        if tables.wanted(req) then
            object = shown(req, { object }, object.metadata.resourceVersion)
        end
        return host.encode { type = event.type, object = object } .. "\n"
    end

    -- The server can't push: the handler is asked again and again while a watch goes on.
    function handlers.watch(cluster, req)
        local filter = store.filter(req.params.namespace, req.query)
        local since = req.cursor ~= 0 and req.cursor or math.tointeger(tonumber(req.query.resourceVersion)) or 0
        local events, lines = {}, {}
        if since == 0 then
            for i, object in ipairs(store.list(cluster, req.resource, filter)) do
                events[i] = { type = "ADDED", object = object }
            end
        else
            events = store.since(cluster, req.resource, filter, since)
        end
        if not events then
            errors.raise(410, "Expired", "too old resource version: " .. since)
        end
        local limit = math.min((tonumber(req.query.timeoutSeconds) or 3600) * 1000, WATCH_MAX)
        for i, event in ipairs(events) do
            lines[i] = as_event(req, event)
        end
        return {
            status = 200, headers = { ["Content-Type"] = "application/json" }, body = table.concat(lines),
            more = req.waited < limit and WATCH_POLL or nil, cursor = cluster.version,
        }
    end

    ---- the way of a request ------------------------------------------------------------------------------------------

    local verbs = { GET = "get", PATCH = "patch", PUT = "update", POST = "create", DELETE = "delete" }

    -- "api/v1/namespaces/NS/secrets/NAME" into req.resource and req.params; false when it is no path of objects.
    local function locate(req)
        local group, rest = req.params.rest:match("^apis/([^/]+)/v1/(.*)$")
        if not group then
            group, rest = "", req.params.rest:match("^api/v1/(.*)$")
        end
        local namespace, tail = (rest or ""):match("^namespaces/([^/]+)/(.+)$")
        local name, object = (tail or rest or ""):match("^([^/]+)/?([^/]*)$")
        req.resource = name and resources.find(group, name)
        req.params.namespace, req.params.name = namespace, object ~= "" and object or nil
        return req.resource ~= nil and (namespace == nil or not req.resource.cluster_wide)
    end

    -- What `kubectl auth whoami` posts.
    local function self_review(user)
        return sim.reply(201, {
            kind = "SelfSubjectReview", apiVersion = "authentication.k8s.io/v1", metadata = {},
            status = { userInfo = { username = user, groups = host.list { "system:authenticated" } } },
        })
    end

    local function document(req)
        local make = resources.documents[req.params.rest]
        local user = who(cluster_of(req), req).user
        if req.method == "POST" and req.params.rest == "apis/authentication.k8s.io/v1/selfsubjectreviews" then
            return self_review(user)
        end
        if not make then
            errors.no_such_path()
        end
        local value, content_type = make("/k8s/" .. req.params.cluster)
        if type(value) ~= "string" then
            return sim.reply(200, value)
        end
        return { status = 200, headers = { ["Content-Type"] = content_type or "text/plain" }, body = value }
    end

    local function verb_of(req)
        local verb = verbs[req.method]
        if verb ~= "get" or req.params.name then
            return verb
        end
        return (req.query.watch == "true" or req.query.watch == "1") and "watch" or "list"
    end

    local function resolve(req)
        req.params.rest = (req.params.rest or ""):gsub("/+$", "")
        if not locate(req) then
            return { model = M, action = "Document", read = true, handler = document }
        end
        local verb = verb_of(req)
        return {
            model = M,
            action = verb:gsub("^%l", string.upper) .. req.resource.kind, -- "PatchSecret"
            read = req.method == "GET",
            handler = function (request)
                local cluster = cluster_of(request)
                authorize(cluster, request, verb)
                if request.resource.read_only and request.method ~= "GET" then
                    errors.raise(405, "MethodNotAllowed",
                        "the server does not allow this method on the requested resource")
                end
                return handlers[verb](cluster, request)
            end,
        }
    end

    -- What can be done with each kind of objects, for those who ask what is served.
    function M.served()
        local list = {}
        for _, resource in ipairs(resources.all) do
            for _, verb in ipairs { "get", "list", "watch", "create", "update", "patch", "delete" } do
                local change = verb ~= "get" and verb ~= "list" and verb ~= "watch"
                if not (change and resource.read_only) then
                    list[#list + 1] = { service = "kubernetes", change = change,
                        operation = verb:gsub("^%l", string.upper) .. resource.kind }
                end
            end
        end
        list[#list + 1] = { service = "kubernetes", operation = "Document", change = false }
        return list
    end

    M.routes = {}
    for method in pairs(verbs) do
        M.routes[#M.routes + 1] = { method, "/k8s/{cluster}/{rest...}", resolve = resolve }
    end

    function M.error(kind, req, fault)
        if kind == "throttle" then
            local seconds = fault.retry_after or 1
            return errors.reply(429, "TooManyRequests",
                "the server has received too many requests and has asked us to try again later",
                { retryAfterSeconds = seconds }, { ["Retry-After"] = tostring(seconds) })
        elseif kind == "expired" then
            return errors.reply(401, "Unauthorized", "Unauthorized")
        elseif kind == "denied" and req.resource then
            local ok, reply = pcall(errors.forbidden, "operator", req.action:lower(), req.resource,
                req.params.namespace, req.params.name)
            return not ok and reply
        elseif kind == "conflict" and req.resource then
            local ok, reply = pcall(errors.conflict, req.resource, req.params.name or "")
            return not ok and reply
        end
        return errors.reply(500, "InternalError",
            "an error on the server (\"etcdserver: request timed out\") has prevented the request from succeeding")
    end

    ---- the world -----------------------------------------------------------------------------------------------------

    local function sorted(map)
        local keys = {}
        for key in pairs(map) do
            keys[#keys + 1] = key
        end
        table.sort(keys)
        return ipairs(keys)
    end

    local function fill_namespace(cluster, namespace, section, time)
        store.put(cluster, namespaces, world.namespace(namespace, time))
        for _, name in sorted(section.secrets) do
            local object = world.secret(name, namespace, section.secrets[name], time)
            store.put(cluster, resources.find("", "secrets"), object)
        end
        for _, resource in ipairs(resources.all) do
            for _, name in sorted(resource.workload and section[resource.name] or {}) do
                local object = world.workload(resource, name, namespace, section[resource.name][name], time)
                store.put(cluster, resource, object)
                control.settle(cluster, resource, object)
            end
        end
    end

    function M.start(section)
        local state = sim.state "kubernetes"
        state.clusters = {}
        for _, name in sorted(section.clusters) do
            local cluster = store.new(name, section.clusters[name])
            state.clusters[name] = cluster
            for _, namespace in sorted(cluster.section.namespaces) do
                fill_namespace(cluster, namespace, cluster.section.namespaces[namespace], store.time(sim))
            end
        end
    end

    local function host_of(value)
        local authority = value:match("^%a[%w+.:-]*://([^/?#%s]+)")
        return authority and authority:match("([^@]*)$")
    end

    -- How many pods have a variable whose URL is at this host, with or without its port.
    function M.connections(name)
        local count = 0
        for _, cluster in pairs(sim.state("kubernetes").clusters) do
            for _, env in pairs(cluster.env) do
                local hit = false
                for _, value in pairs(env) do
                    local at = host_of(value)
                    hit = hit or at ~= nil and (at == name or at:match("^(.-):%d+$") == name)
                end
                count = count + (hit and 1 or 0)
            end
        end
        return count
    end

    local function export_secret(object)
        local out = { hosts = {}, sha256 = {}, immutable = object.immutable or false }
        for key, value in pairs(object.data or {}) do
            local bytes = host.unbase64(value)
            out.sha256[key], out.hosts[key] = host.sha256(bytes), host_of(bytes)
        end
        return out
    end

    -- The hosts that the pods of a workload have in their variables: "KEY HOST" -> number of pods.
    local function pod_hosts(cluster, object)
        local out = {}
        for at, uid in pairs(cluster.owners) do
            for name, value in pairs(uid == object.metadata.uid and cluster.env[at] or {}) do
                local text = host_of(value) and name .. " " .. host_of(value)
                if text then
                    out[text] = (out[text] or 0) + 1
                end
            end
        end
        return out
    end

    local function export_workload(cluster, object)
        return {
            generation = object.metadata.generation, replicas = object.spec.replicas, template = object.spec.template,
            available = object.status and (object.status.availableReplicas or object.status.numberAvailable or 0),
            updated = object.status and (object.status.updatedReplicas or object.status.updatedNumberScheduled or 0),
            hosts = pod_hosts(cluster, object),
        }
    end

    -- What two runs that did the same have in common: no versions, no ids, no values.
    function M.export()
        local out = {}
        for name, cluster in pairs(sim.state("kubernetes").clusters) do
            local objects = {}
            for _, resource in ipairs(resources.all) do
                for at, object in pairs(cluster.objects[resource.name] or {}) do
                    if resource.name == "secrets" then
                        objects[resource.name .. "/" .. at] = export_secret(object)
                    elseif resource.workload then
                        objects[resource.name .. "/" .. at] = export_workload(cluster, object)
                    end
                end
            end
            out[name] = objects
        end
        return out
    end

    -- A kubeconfig with all clusters; the first one is the current context.
    local function kubeconfig(url)
        local config = {
            apiVersion = "v1", kind = "Config", clusters = host.list {}, contexts = host.list {}, users = host.list {},
        }
        for i, name in sorted(sim.world.kubernetes.clusters) do
            local section = sim.world.kubernetes.clusters[name]
            local token = section.token or (section.tokens[1] or {}).token
            local space = next(section.namespaces) and select(2, sorted(section.namespaces))[1]
            config["current-context"] = config["current-context"] or name
            config.clusters[i] = { name = name, cluster = { server = url .. "/k8s/" .. name } }
            config.users[i] = { name = name, user = token and { token = token } or {} }
            config.contexts[i] = { name = name, context = { cluster = name, user = name, namespace = space } }
        end
        return host.encode(config) .. "\n"
    end

    function M.environment(place)
        if not next(sim.world.kubernetes.clusters) then
            return {}
        end
        return { { "KUBECONFIG", place.write("kubeconfig", kubeconfig(place.url)) } }
    end

    return M
end
