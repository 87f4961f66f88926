module legacy-tinygo-command

go 1.23
