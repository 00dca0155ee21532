"""Invented incidents with people of the sample roster: what `cism rehearse` plays for each protocol."""
