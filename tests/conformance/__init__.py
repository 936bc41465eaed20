"""What of the CWMP checklist is shown by which tests, and why the rest is left out."""
