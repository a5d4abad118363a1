"""The wall: a class's photos and thumbnails on the projector, uploaded from phones.

`links` has addresses, codes and the QR code; `intake` what comes in; `board` what is
shown; `server` the two doors, one for the projector and one for phones; `lesson` opens
and closes it all.
"""
