"""A stand-in for Amarisoft's lteenb, by what is publicly known of its file and its remote API."""
