REPLY = "OK, will fix."
