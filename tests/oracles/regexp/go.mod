module github.com/perigee-dev/perigee/tests/oracles/regexp

go 1.24.0

require github.com/perigee-dev/perigee/tests/oracles/frame v0.0.0

replace github.com/perigee-dev/perigee/tests/oracles/frame => ../frame
