module legacy-tinygo-heap

go 1.23
