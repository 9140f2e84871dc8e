-- merged.lua: merged(TABLE...), a new table with all that they hold; of two values under one key the later one counts.
-- SPDX-License-Identifier: MIT
return function (...)
    local all = {}
    for _, part in ipairs { ... } do
        for key, value in pairs(part) do
            all[key] = value
        end
    end
    return all
end
