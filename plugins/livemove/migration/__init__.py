"""The migration from RDS MySQL to Aurora with a way back: what its runbooks share and do."""
