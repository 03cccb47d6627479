def overlaps(start, end, first, length):
    return max(0, min(end, first + length) - max(start, first))
