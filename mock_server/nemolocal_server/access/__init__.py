"""Who may reach this server, by which names, and the addresses that it gives out."""
