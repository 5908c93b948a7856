"""The rebuild of a search index: joins the rooms `search` and `stream`, as `migration` joins `mysql` and `rds`."""
