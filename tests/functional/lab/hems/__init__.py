"""The lab's HeMS."""
