"""What is drawn of a study: one look for the dashboard and the report."""
