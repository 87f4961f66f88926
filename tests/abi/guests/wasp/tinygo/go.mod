module wasp-tinygo

go 1.23
