"""`python -m retrigger` is the command `retrigger`."""

from retrigger.cli import main

if __name__ == "__main__":
    main()
