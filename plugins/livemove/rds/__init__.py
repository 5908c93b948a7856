"""The RDS API: replicas, promotion, snapshots, clones, parameter groups. It never talks to MySQL."""
