"""Texts that are changed on their way: in requests, in whole answers, and in answers that come in pieces.

1. An `Edit` finds something and says what stands in its place. A `Cut` runs it over one text, whole or piece by piece, and
   holds back only from the first place on where what is to come decides.
2. In a JSON text (the arguments of a tool call) what is looked at is what the JSON says: escapes are read, wherever they
   are cut, and what is put in is escaped. All else of it stays as it was, sign by sign.
3. `EditFilter` does it to every text of an answer, part by part; `edit_messages` to every text of a request.
"""

from headgate_guard.editing.answers import EditFilter, EditStream
from headgate_guard.editing.cuts import Cut, Edit, changed
from headgate_guard.editing.messages import edit_message, edit_part, edit_value

__all__ = ["Cut", "Edit", "EditFilter", "EditStream", "changed", "edit_message", "edit_part", "edit_value"]
