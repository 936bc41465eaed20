"""henbd as a whole, in the lab: real charon, HTTP, TLS, SCTP and captures."""
