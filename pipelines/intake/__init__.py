"""The intake job: its statements, and which ones are deployed."""
