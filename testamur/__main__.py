from testamur.cli import main

main()
