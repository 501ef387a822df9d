"""``python -m convstab``: the command convstab."""

from convstab.commands.results.convstab import main

if __name__ == "__main__":
    main()
