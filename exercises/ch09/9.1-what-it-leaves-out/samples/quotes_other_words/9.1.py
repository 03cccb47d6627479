NO = "Nothing"
ANSWERS = dict(b=NO, d=NO, f=NO, a="Set khva to the new offset before it returns.", c="If the guest address of a valid cache moves within its page",
               e="finds the page unchanged")
