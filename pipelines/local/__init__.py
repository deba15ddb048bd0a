"""What runs on this machine for the hub: the embedded database, the scheduler, the demonstration."""
