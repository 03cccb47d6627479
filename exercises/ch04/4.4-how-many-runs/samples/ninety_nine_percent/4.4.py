runs = 1704
