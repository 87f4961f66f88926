module legacy-tinygo

go 1.23
