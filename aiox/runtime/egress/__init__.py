"""What leaves the hub on somebody else's word goes through here: to public addresses only, decided once and kept to."""
