runs = 10_000
