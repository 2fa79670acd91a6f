"""What the hub knows: accounts, agents, versions, leases, inbox, outbox, ledger rows. One file per aggregate, SQL inside."""
