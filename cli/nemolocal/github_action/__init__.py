"""What the steps of `action.yml` run: `python -P -m nemolocal.github_action`."""
