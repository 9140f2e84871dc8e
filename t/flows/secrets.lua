-- secrets.lua: a secret of the cluster and one of the configuration pass through a run; used by t/secrets.t.
-- SPDX-License-Identifier: MIT
local kubernetes = cairn.plugin "kubernetes"

return cairn.workflow {
  summary = "Pass secrets on",
  run = function ()
    local from_cluster = kubernetes.get_secret_value { name = "notify-api-database", key = "POSTGRES_SQL" }
    local from_config = cairn.secret "database_password"
    print("a secret is", from_cluster.value, from_config)
    cairn.report("seen", { cluster = tostring(from_cluster.value), config = tostring(from_config) })
    kubernetes.set_secret_value { name = "notify-api-database", key = "COPY", value = from_cluster.value }
    kubernetes.set_secret_value { name = "notify-api-database", key = "PASSWORD", value = from_config }
    cairn.approve { title = "Go on?", details = { secret = from_cluster.value } }
    kubernetes.set_secret_value { name = "notify-api-database", key = "AGAIN", value = from_cluster.value }
    return { value = from_cluster.value }
  end,
}
