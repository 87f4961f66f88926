module guard

go 1.23.0

require go.bytecodealliance.org/cm v0.3.0
