-- logs.lua: log files of RDS instances: what there is, and portions of it.
-- SPDX-License-Identifier: MIT
local aws = require "aws"

return function (R)
    local sim = R.sim
    local portion = 1 << 20 -- bytes of one reply at most

    local moving = { creating = true, deleting = true, rebooting = true, renaming = true }

    local checks = {
        "Performing Consistency Checks", "-----------------------------",
        "Checking cluster versions                                   ok",
        "Checking database user is the install user                  ok",
        "Checking database connection settings                       ok",
        "Checking for prepared transactions                          ok",
        "Checking for contrib/isn with bigint-passing mismatch       ok",
    }

    local function files(i)
        local all = R.state().logs
        all[i.resource_id] = all[i.resource_id] or {}
        return all[i.resource_id]
    end

    function R.add_log(i, name, text)
        local list = files(i)
        list[#list + 1] = { name = name, text = text, written = sim.now() }
    end

    -- What pg_upgrade leaves behind when it gives up.
    function R.upgrade_logs(i, reason)
        local stamp = tostring(sim.now())
        local head = table.concat(checks, "\n") .. "\n"
        R.add_log(i, "error/pg_upgrade_internal.log." .. stamp,
            head .. "fatal\n\n" .. reason .. "\nFailure, exiting\n")
        R.add_log(i, "error/pg_upgrade_server.log." .. stamp,
            "waiting for server to start.... done\nserver started\nwaiting for server to shut down.... done\n"
            .. "server stopped\n")
    end

    local function instance(form)
        local i = R.instance(aws.required(form, "DBInstanceIdentifier"))
        if moving[i.status] then
            aws.fail("DBInstanceNotReady", ("DB instance %s is not ready: it is %s"):format(i.id, i.status))
        end
        return i
    end

    local function describe(form)
        local since, size = aws.integer(form, "FileLastWritten", 0), aws.integer(form, "FileSize", 0)
        local list = {}
        for _, f in ipairs(files(instance(form))) do
            if f.written >= since and #f.text >= size
                and (not form.FilenameContains or f.name:find(form.FilenameContains, 1, true)) then
                list[#list + 1] = f
            end
        end
        return R.page(form, "DescribeDBLogFiles", "DescribeDBLogFilesDetails", list, function (f)
            return { LogFileName = f.name, LastWritten = f.written, Size = #f.text }
        end)
    end

    -- Where the line that begins `lines` lines before the end starts.
    local function tail_of(text, lines)
        local from = #text
        if text:sub(-1) == "\n" then
            from = from - 1
        end
        while from > 0 do
            if text:byte(from) == 10 then
                lines = lines - 1
                if lines == 0 then
                    return from
                end
            end
            from = from - 1
        end
        return 0
    end

    -- Where a portion from `from` on ends: so many lines, and not more than what fits into a reply.
    local function end_of(text, from, lines)
        local to = from
        while lines > 0 and to < #text do
            local newline = text:find("\n", to + 1, true) or #text
            if newline - from > portion then
                return to > from and to or from + portion
            end
            to, lines = newline, lines - 1
        end
        return to
    end

    -- The beginning of a portion by its marker: "0", "HOUR:OFFSET" as an earlier reply gave it, or none for the end.
    local function begin_of(text, marker, lines)
        if not marker or marker == "" then
            return math.max(tail_of(text, lines), #text - portion)
        end
        local from = math.tointeger(tonumber(marker == "0" and "0" or marker:match("^%d+:(%d+)$")))
        if not from or from > #text then
            aws.fail("InvalidParameterValue", ("Invalid marker: %s"):format(marker))
        end
        return from
    end

    local function download(form)
        local i, name = instance(form), aws.required(form, "LogFileName")
        local file
        for _, f in ipairs(files(i)) do
            file = f.name == name and f or file
        end
        if not file then
            aws.fail("DBLogFileNotFoundFault", ("DBLog File: %s, is not found on the DB instance"):format(name), 404)
        end
        local lines = aws.integer(form, "NumberOfLines", 10000)
        local from = begin_of(file.text, form.Marker, lines)
        local to = end_of(file.text, from, lines)
        return {
            LogFileData = file.text:sub(from + 1, to), Marker = ("%d:%d"):format(sim.now() // 3600000 % 24, to),
            AdditionalDataPending = to < #file.text,
        }
    end

    -- The server's own log of the hour in which the world begins.
    function R.begin_logs(i, lines)
        local hour = sim.time():match("^(%d+%-%d+%-%d+T%d+)"):gsub("T", "-")
        local out = {}
        for n = 1, lines do
            out[n] = ("%s UTC:10.0.0.%d(40%03d):app@app:[%d]:LOG:  checkpoint complete: wrote %d buffers"):format(
                sim.time():sub(1, 19):gsub("T", " "), n % 250, n % 1000, 100 + n, n)
        end
        R.add_log(i, "error/postgresql.log." .. hour, table.concat(out, "\n") .. (lines > 0 and "\n" or ""))
    end

    R.operations.DescribeDBLogFiles = describe
    R.operations.DownloadDBLogFilePortion = download
end
