"""From which level on there are log lines, the fewest first: names that the command line knows."""

LOG_LEVELS = ("error", "warning", "info", "debug")
