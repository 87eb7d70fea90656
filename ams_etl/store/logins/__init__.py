"""What every process knows about logins: which a system refused, and the tokens granted to us."""
