"""The adapters of S1AP stacks, without the rest of henbd."""
