def overlaps(start, end, first, length):
    return any(first <= address < first + length for address in range(start, end))
