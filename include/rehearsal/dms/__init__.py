"""A stand-in for AWS DMS from MySQL to Kinesis; what it imitates is told in README.md."""
