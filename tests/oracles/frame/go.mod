module github.com/perigee-dev/perigee/tests/oracles/frame

go 1.24.0
