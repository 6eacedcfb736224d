module github.com/perigee-dev/perigee/tests/oracles/yaml

go 1.24.0

require (
	github.com/perigee-dev/perigee/tests/oracles/frame v0.0.0
	go.yaml.in/yaml/v3 v3.0.3
	sigs.k8s.io/yaml v1.5.0
)

require go.yaml.in/yaml/v2 v2.4.2 // indirect

replace github.com/perigee-dev/perigee/tests/oracles/frame => ../frame
