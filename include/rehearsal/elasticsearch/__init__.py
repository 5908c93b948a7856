"""Elasticsearch 7.17 on the loopback interface; how it differs from Elastic's package is told in README.md."""
