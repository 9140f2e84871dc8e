-- .luacheckrc: what the two sandboxes know: workflows run in the script host, models in the simulator.
-- SPDX-License-Identifier: MIT
std = "lua54"
max_line_length = 120
codes = true
exclude_files = { "build/**" }

files["workflows"] = { read_globals = { "cairn" } }
files["lua"] = { read_globals = { "cairn" } }
files["examples"] = { read_globals = { "cairn" } }
files["t"] = { read_globals = { "cairn", "sim" } }
files["sim"] = { read_globals = { "sim" } }
