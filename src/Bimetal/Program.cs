// The command line: one file per command. Program wires them together.

return 0;
