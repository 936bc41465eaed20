"""The lab does what it says."""
