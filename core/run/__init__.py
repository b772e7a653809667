"""Running a study: what is to be done (`plan`), and who does it (`local`)."""
