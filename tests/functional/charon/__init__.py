"""The shell around charon, with a real one and with a scripted one."""
