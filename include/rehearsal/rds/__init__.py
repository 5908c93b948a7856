"""The RDS API over real MySQL servers, for rehearsals; README.md says what is imitated and from which page."""
