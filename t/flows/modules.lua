-- modules.lua: the modules that need no plugin, checked from within a run; used by t/workflow-modules.t.
-- SPDX-License-Identifier: MIT
local names = require "cairn.names"
local postgres = require "cairn.postgres"
local times = require "cairn.times"

local function equal(got, want, what)
  cairn.check(got == want, what .. " gives " .. tostring(want) .. (got == want and "" or ", not " .. tostring(got)))
end

local function refuses(what, fn, ...)
  local ok, err = pcall(fn, ...)
  cairn.check(not ok and type(err) == "table" and err.kind == "failed", what .. " is refused")
end

local function check_names()
  equal(names.fit("prod", "old", 63), "prod-old", "a short name")
  equal(names.fit("Prod_DB.1", "x", 63), "prod-db-1-x", "a name with other characters")
  equal(names.fit("9lives-", "x", 63), "lives-x", "a name that begins with a digit")
  equal(#names.fit(("a"):rep(80), "suffix", 60), 60, "the length of a shortened name")
  equal(names.fit("abc-def", "xyz", 8), "abc-xyz", "a name cut at a hyphen")
  equal(names.fit("---", "x", 63), "db-x", "a name of nothing but hyphens")
  refuses("a suffix that leaves no room", names.fit, "prod", ("s"):rep(63), 63)
  local deployment = names.deployment(("very-long-cluster-name-"):rep(4))
  cairn.check(#deployment <= 60 and deployment:find("^%a[%w-]*%w$") ~= nil and not deployment:find("--", 1, true),
    "a deployment's name " .. deployment .. " keeps to the rules")
  cairn.check(deployment:find(cairn.run_id(), 1, true) ~= nil, "a deployment's name names the run")
  local name, kind = names.of_arn("arn:aws:rds:ca-central-1:239043911459:cluster:prod-old1")
  equal(kind .. " " .. name, "cluster prod-old1", "an ARN")
  refuses("an ARN of another service", names.of_arn, "arn:aws:s3:::bucket")
end

local function check_times()
  equal(times.parse("1970-01-01T00:00:00Z"), 0, "the beginning")
  equal(times.parse("2024-02-29T12:34:56.789Z"), 1709210096789, "a leap day")
  equal(times.parse("2023-12-31T23:59:59Z"), 1704067199000, "the last second of a year")
  equal(times.parse("2024-03-01T00:30:00+01:00"), times.parse("2024-02-29T23:30:00Z"), "a time zone to the east")
  equal(times.parse("2024-02-29T19:00:00-0500"), times.parse("2024-03-01T00:00:00Z"), "a time zone to the west")
  equal(times.parse("2100-03-01T00:00:00Z") - times.parse("2100-02-28T00:00:00Z"), times.day, "a year without leap day")
  equal(times.parse("yesterday"), nil, "what is no time")
  local tuesday = times.parse("2024-02-13T14:00:00Z")
  equal(times.until_window("tue:13:30-tue:14:30", tuesday), 0, "an open window")
  equal(times.until_window("tue:14:00-tue:14:30", tuesday), 0, "a window that opens now")
  equal(times.until_window("tue:13:30-tue:14:00", tuesday), 7 * times.day - times.hour // 2, "a window just closed")
  equal(times.until_window("wed:04:00-wed:04:30", tuesday), 14 * times.hour, "a window of tomorrow")
  equal(times.until_window("sat:23:30-sun:00:30", times.parse("2024-02-18T00:10:00Z")), 0, "a week's end")
  equal(times.until_window("23:30-00:30", times.parse("2024-02-18T00:10:00Z")), 0, "a daily window over midnight")
  equal(times.until_window("01:00-03:00", tuesday), 11 * times.hour, "a daily window")
  refuses("a window of nonsense", times.until_window, "sometimes", tuesday)
  equal(times.span(14000), "14 s", "seconds")
  equal(times.span(134000), "2 min 14 s", "minutes")
  equal(times.span(3900000), "1 h 05 min", "hours")
end

local function check_postgres()
  cairn.check(postgres.blue_green_from("11.21"), "11.21 can be a source")
  cairn.check(not postgres.blue_green_from("11.20"), "11.20 can't")
  cairn.check(not postgres.blue_green_from("10.23"), "10.23 can't")
  cairn.check(postgres.blue_green_from("17.1"), "17.1 can")
  cairn.check(not postgres.blue_green_from("new"), "what is no version can't")
  local dropped = postgres.dropped_between("12.19", "16.3")
  equal(dropped.wal_keep_segments, 13, "what 13 dropped")
  equal(dropped.promote_trigger_file, 16, "what 16 dropped")
  equal(dropped.default_with_oids, nil, "what 12 dropped already")
  equal(dropped.db_user_namespace, nil, "what 17 will drop")
end

return cairn.workflow {
  summary = "Check the modules that need no plugin",
  run = function ()
    check_names()
    check_times()
    check_postgres()
  end,
}
