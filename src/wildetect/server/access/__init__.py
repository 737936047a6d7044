"""Who may reach a shared server."""
