def overlaps(start, end, first, length):
    return start < first + length and first < end
