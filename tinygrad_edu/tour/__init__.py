"""The parts of the tour, written with the public names alone, as a user would write them."""
