runs = True
