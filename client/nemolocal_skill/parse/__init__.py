"""Reading a skill document: frontmatter, Markdown, commands, and what they state."""
