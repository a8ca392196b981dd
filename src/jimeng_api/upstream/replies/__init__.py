"""What the upstream answers, decoded: bytes in, domain values or errors of ours out. Pure.

The upstream is read tolerantly: a number may come as text, a list as null, an object may hold more than we
know. What cannot be read at all becomes an error of ours, whatever the bytes were.
"""
