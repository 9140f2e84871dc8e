-- list.lua: the service models of the simulated world, in the order in which they start.
-- SPDX-License-Identifier: MIT
return { "sts", "metadata", "rds", "lambda", "sqs", "events", "secretsmanager", "cloudwatch", "kubernetes",
    "cloudflare", "web" }
