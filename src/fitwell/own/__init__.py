"""The user's own optimizer and loss: found by name or given, checked, ready for workers."""
