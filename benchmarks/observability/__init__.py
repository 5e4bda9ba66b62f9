"""What the module costs where it is there and off."""
