def overlaps(start, end, first, length):
    return start < end and start <= first + length and first < end
