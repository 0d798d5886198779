"""The program that makes an Android phone with Termux a device of ours.

The server hands it out as one file that needs nothing but Python 3.9: http/termux.py joins the
parts in the order of PARTS. So none of them may import anything but the standard library and the
parts before it, and no two may use one name for two things. Nothing of the server imports them.

What Termux cannot do, and what is done instead: termux-sms-send says nothing of what became of a
text, so that is read from the phone's own list of texts, and called *inferred*. There are no
delivery reports. Incoming texts are found by reading that list again and again.
"""

PARTS = (
    "place",
    "journal",
    "android",
    "link",
    "sending",
    "receiving",
    "phone",
    "checks",
    "commands",
)
