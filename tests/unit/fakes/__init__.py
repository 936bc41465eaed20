"""Parties that keep state and obey, in simulated time: no sockets, no recorded expectations."""
