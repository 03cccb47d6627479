runs = 1040
