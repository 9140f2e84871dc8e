-- stack.lua: what Terraform or Pulumi say of databases, read from their state, and how that differs from what is live.
-- SPDX-License-Identifier: MIT
--
-- A stack is given as { command = {"terraform", "state", "pull"} } or {"terraform", "show", "-json"} or {"pulumi",
-- "stack", "export"}, or as { file = "main.tfstate" }, with cwd = FOLDER and outputs = { NAME, ... } where needed. The
-- program, or `cat` for a file, must be among exec.programs of the configuration.
--
-- States hold passwords in clear, and what an action returns is recorded: of the JSON only members that are named here
-- leave the worker. Of outputs only those that are asked for by name are read.

local fail = require "cairn.fail"
local versions = require "cairn.versions"
local exec = cairn.plugin "exec"

local stack = {}

-- The name of a setting here and in rds.describe_instance -> in Terraform, in Pulumi.
local FIELDS = {
  engine_version = { "engine_version", "engineVersion" },
  class = { "instance_class", "instanceClass" },
  deletion_protection = { "deletion_protection", "deletionProtection" },
  auto_minor_upgrade = { "auto_minor_version_upgrade", "autoMinorVersionUpgrade" },
  maintenance_window = { "maintenance_window", "maintenanceWindow" },
  backup_window = { "backup_window", "backupWindow" },
  backup_retention = { "backup_retention_period", "backupRetentionPeriod" },
  parameter_group = { "parameter_group_name", "parameterGroupName" },
  multi_az = { "multi_az", "multiAz" },
  storage_type = { "storage_type", "storageType" },
  allocated_storage = { "allocated_storage", "allocatedStorage" },
}
local TERRAFORM_TYPES = { aws_db_instance = "identifier", aws_rds_cluster = "cluster_identifier" }
local PULUMI_TYPES = { ["aws:rds/instance:Instance"] = "identifier", ["aws:rds/cluster:Cluster"] = "clusterIdentifier" }

-- What leaves the worker: the shape of the three formats, what databases are called, and their settings.
local SHAPE = {
  "version", "terraform_version", "format_version", "serial", "outputs", "value", "values", "resources", "mode", "type",
  "instances", "attributes", "root_module", "child_modules", "deployment", "inputs", "urn", "custom", "delete",
  "identifier", "cluster_identifier", "clusterIdentifier",
}

local function wanted(spec)
  local keep = { table.unpack(SHAPE) }
  for _, field in pairs(FIELDS) do
    keep[#keep + 1], keep[#keep + 2] = field[1], field[2]
  end
  for _, name in ipairs(spec.outputs or {}) do
    keep[#keep + 1] = name
  end
  return keep
end

local function settings(source, column)
  local found = {}
  for name, names in pairs(FIELDS) do
    local value = source[names[column]]
    if value ~= nil and value ~= cairn.null and value ~= "" then
      found[name] = value
    end
  end
  return found
end

local function add_terraform(databases, kind, mode, attributes)
  local key = TERRAFORM_TYPES[kind]
  local id = key and mode == "managed" and attributes and attributes[key]
  if id then
    databases[id] = settings(attributes, 1)
  end
end

-- `terraform state pull`, or a state file: version 4 of the format.
local function terraform_state(doc, databases)
  for _, resource in ipairs(doc.resources or {}) do
    for _, instance in ipairs(resource.instances or {}) do
      add_terraform(databases, resource.type, resource.mode, instance.attributes)
    end
  end
  return doc.outputs
end

-- `terraform show -json`: modules within modules.
local function terraform_module(module, databases)
  for _, resource in ipairs(module.resources or {}) do
    add_terraform(databases, resource.type, resource.mode, resource.values)
  end
  for _, child in ipairs(module.child_modules or {}) do
    terraform_module(child, databases)
  end
end

-- `pulumi stack export`. The inputs are what the program says, the outputs what the provider saw last. What is about to
-- be deleted, after a replacement, is no declaration.
local function pulumi_export(doc, databases)
  local outputs = {}
  for _, resource in ipairs(doc.deployment.resources or {}) do
    local key = PULUMI_TYPES[resource.type]
    local id = key and not resource.delete and (resource.outputs or {})[key]
    if id then
      databases[id] = settings(resource.outputs, 2)
      for name, value in pairs(settings(resource.inputs or {}, 2)) do
        databases[id][name] = value
      end
    elseif resource.type == "pulumi:pulumi:Stack" then
      for name, value in pairs(resource.outputs or {}) do
        outputs[name] = { value = value }
      end
    end
  end
  return outputs
end

-- Terraform wraps an output: {value=..., type=...}.
local function plain(outputs, names)
  local list = {}
  for _, name in ipairs(names or {}) do
    local output = (outputs or {})[name]
    if type(output) == "table" and output.value ~= nil and output.value ~= cairn.null then
      list[name] = output.value
    end
  end
  return list
end

-- A parsed state -> { kind, outputs = { NAME = VALUE }, databases = { IDENTIFIER = { engine_version, class, ... } } }.
function stack.parse(doc, outputs)
  local databases, found, kind = {}, nil, nil
  if type(doc) ~= "table" then
    fail("read stack: it is no state of Terraform and no export of Pulumi")
  elseif type(doc.deployment) == "table" then
    kind, found = "pulumi", pulumi_export(doc, databases)
  elseif type(doc.values) == "table" then
    kind, found = "terraform", doc.values.outputs
    terraform_module(doc.values.root_module or {}, databases)
  elseif doc.terraform_version and doc.version == 4 then
    kind, found = "terraform", terraform_state(doc, databases)
  elseif doc.terraform_version then
    fail("read stack: version " .. tostring(doc.version) .. " of Terraform's state isn't known, only 4; "
      .. "run any `terraform apply` of today's version, or give `terraform show -json`")
  else
    fail("read stack: it is no state of Terraform and no export of Pulumi")
  end
  return { kind = kind, outputs = plain(found, outputs), databases = databases }
end

-- Read the state now. spec: see the head of this file.
function stack.read(spec)
  local argv = spec.command
  if spec.file then
    argv = { "cat", spec.file }
  elseif type(argv) ~= "table" then
    fail("read stack: it has neither a command nor a file")
  end
  local got = exec.look { argv = argv, cwd = spec.cwd, json = true, keep = wanted(spec), output_max = 8 << 20 }
  return stack.parse(got.value, spec.outputs)
end

-- How a database is declared and how it is: { {database, field, declared, live, queued}, ... }, in a fixed order. A
-- version that is declared and queued for the next maintenance window is no error, it is on its way: `queued` is true.
function stack.drift(id, declared, live)
  local list = {}
  for field, value in pairs(declared) do
    local now = live[field]
    local same = now == value or field == "engine_version" and now and versions.stands_for(value, now)
      or field:find("window$") and now and tostring(value):lower() == tostring(now):lower()
    if now ~= nil and not same then
      local queued = field == "engine_version" and (live.pending or {}).engine_version == value
      list[#list + 1] = { database = id, field = field, declared = value, live = now, queued = queued or nil }
    end
  end
  table.sort(list, function (a, b) return a.field < b.field end)
  return list
end

return stack
