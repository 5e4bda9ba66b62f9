"""The address of the event stream."""
