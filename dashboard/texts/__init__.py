"""Words and figures for people: what each metric means, task by task."""
