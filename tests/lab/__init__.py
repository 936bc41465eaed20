"""The lab: a HeNB, a security gateway, a core with HeMS and MME, in network namespaces.

The demo and the functional tests stand on it. It is not installed with henbd.
"""
