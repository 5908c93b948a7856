"""Kinesis Data Streams on the loopback interface; what it imitates is told in README.md."""
