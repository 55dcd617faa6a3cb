"""What the control API shows of a running server: sessions, drafts, renders, previews, changes."""
