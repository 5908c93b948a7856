"""Kinesis streams and what reads them: points in time, the loaders' status and control, deployments, catching up."""
