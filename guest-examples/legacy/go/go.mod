module legacy-go

go 1.24
