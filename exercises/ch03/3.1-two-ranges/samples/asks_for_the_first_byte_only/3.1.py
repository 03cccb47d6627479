def overlaps(start, end, first, length):
    return start <= first < end
