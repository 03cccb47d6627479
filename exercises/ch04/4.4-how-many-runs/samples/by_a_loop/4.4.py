runs, passing = 0, 1.0
while passing > 0.05:
    runs, passing = runs + 1, passing * (1 - 0.0027)
