"""A stand-in for srsRAN 4G's srsenb, as far as henbd sees it.

It reads enb.conf, does a real S1 Setup as a macro eNB, says what srsenb says, and stops as slowly.
"""
