"""Who may see and do what: people, passwords, roles, sessions."""
