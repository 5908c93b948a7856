"""What all runbooks share: where `include/` is, configuration files, errors, reports."""
