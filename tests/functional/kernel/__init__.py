"""The shell around the kernel's network, in namespaces of their own."""
