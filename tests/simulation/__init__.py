"""The whole daemon in simulated time, against fakes that keep state and obey."""
