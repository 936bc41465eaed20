"""The lab's S1AP stack and MME, on a cable of their own."""
