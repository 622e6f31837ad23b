"""`python -m stream_app`: the command `synthstream`."""

from stream_app.cli import main

if __name__ == "__main__":
    main()
