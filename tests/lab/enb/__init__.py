"""The reference S1AP stack: it speaks henbd's native protocol, and does a real S1 Setup.

It is its own process, `python -m tests.lab.enb`. Of an eNB it has only what the management agent
can see: S1 with each MME, an echo on the user plane, and whether the radio would transmit.
"""
