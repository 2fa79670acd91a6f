"""What the hub knows. One file per aggregate, SQL inside, owner-scoped; owns `migrations/`."""
