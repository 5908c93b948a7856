"""Runbooks that move live MySQL, Redshift and Elasticsearch data on AWS, with a way back."""
