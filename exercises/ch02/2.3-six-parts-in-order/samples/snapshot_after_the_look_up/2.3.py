from pfncache_edu.grading.exercise_2_3 import LINES

parts = [LINES[number] for number in [8, 9, 0, 2, 5, 3, 4, 1]]
