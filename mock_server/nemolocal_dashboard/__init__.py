"""The dashboard: pages for a browser that show what a client did, and what was true.

Pages are rendered here, from templates; scripts fetch parts of them again when the event feed
says that something has changed. What users and clients sent is text in them, never markup.
"""
