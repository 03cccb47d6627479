def overlaps(start, end, first, length):
    return start < end and start + 1 < first + length and first < end
