schedules = "n13"
