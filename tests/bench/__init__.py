"""The budgets of the house, measured as ratios in one run: `make bench`. Never asserted."""
