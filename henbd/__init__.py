"""The management agent of an LTE Home eNodeB."""

__version__ = "0.1.0"
