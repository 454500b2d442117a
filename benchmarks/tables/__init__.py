"""Tables in every dialect that pandas and Excel write, and what ``fit`` makes of them."""
