-- fail.lua: fail(text): end what is being done, with a text for the operator; used by all modules here.
-- SPDX-License-Identifier: MIT
--
-- The error looks like those of actions: a table with `kind` and `text`, so that pcall's users need to know one shape.

return function (text)
  error({ kind = "failed", text = text }, 0)
end
