runs = 1109
