"""Compare the ledger with the broker: name every difference, book what is explained to the cent, lock the rest."""
