def overlaps(start, end, first, length):
    return True
