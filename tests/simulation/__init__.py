"""The loop in simulated time, for long or in great numbers: too long for the unit tests."""
