// Command cel answers what cel-go makes of an expression in the environment that Flux sets up.
//
// A question is one text, a JSON object; so is the answer: the phase that was reached (compile, mismatch, program, evaluate, done or panic) and the
// value or the error.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"
	"github.com/perigee-dev/perigee/tests/oracles/frame"
)

// request is an expression, the variables that it sees and how to treat both.
type request struct {
	Expression string `json:"expression"`
	// Check compiles against the declared variables; otherwise the expression is only parsed.
	Check    bool                       `json:"check"`
	Declared []string                   `json:"declared"`
	Want     string                     `json:"want"`
	Integers bool                       `json:"integers"`
	Values   map[string]json.RawMessage `json:"values"`
}

type answer struct {
	Phase string          `json:"phase"`
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
}

func main() {
	frame.Serve(func(texts [][]byte) ([]byte, error) {
		var ask request
		if len(texts) != 1 {
			return nil, fmt.Errorf("%d texts instead of one", len(texts))
		}
		if err := json.Unmarshal(texts[0], &ask); err != nil {
			return nil, err
		}
		return json.Marshal(respond(ask))
	})
}

func respond(ask request) (result answer) {
	// A validator of cel-go takes an optional element of no known type for an optional.
	defer func() {
		if reason := recover(); reason != nil {
			result = answer{Phase: "panic", Error: fmt.Sprint(reason)}
		}
	}()
	options := []cel.EnvOption{
		cel.HomogeneousAggregateLiterals(),
		cel.EagerlyValidateDeclarations(true),
		cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true),
		cel.OptionalTypes(),
		ext.Strings(),
		ext.Sets(),
		ext.Encoders(),
	}
	for _, name := range ask.Declared {
		options = append(options, cel.Variable(name, cel.ObjectType("google.protobuf.Struct")))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return answer{Phase: "environment", Error: err.Error()}
	}
	front := env.Parse
	if ask.Check {
		front = env.Compile
	}
	ast, issues := front(ask.Expression)
	if issues != nil {
		return answer{Phase: "compile", Error: issues.String()}
	}
	if ask.Check {
		want := map[string]*cel.Type{"bool": cel.BoolType, "string": cel.StringType}[ask.Want]
		if got := ast.OutputType(); want != nil && want != got {
			return answer{Phase: "mismatch", Error: fmt.Sprintf("expected %s, got %s", want, got)}
		}
	}
	program, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize), cel.InterruptCheckFrequency(100))
	if err != nil {
		return answer{Phase: "program", Error: err.Error()}
	}
	variables := map[string]any{}
	for name, raw := range ask.Values {
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return answer{Phase: "request", Error: err.Error()}
		}
		if ask.Integers {
			value = integers(raw, value)
		}
		variables[name] = value
	}
	value, _, err := program.Eval(variables)
	if err != nil {
		return answer{Phase: "evaluate", Error: err.Error()}
	}
	shown, err := show(value)
	if err != nil {
		return answer{Phase: "evaluate", Error: err.Error()}
	}
	return answer{Phase: "done", Value: shown}
}

// integers reads whole numbers as int64, as Kubernetes' unstructured objects do.
func integers(raw json.RawMessage, value any) any {
	switch value := value.(type) {
	case map[string]any:
		var parts map[string]json.RawMessage
		json.Unmarshal(raw, &parts)
		for key := range value {
			value[key] = integers(parts[key], value[key])
		}
	case []any:
		var parts []json.RawMessage
		json.Unmarshal(raw, &parts)
		for i := range value {
			value[i] = integers(parts[i], value[i])
		}
	case float64:
		var whole int64
		if json.Unmarshal(raw, &whole) == nil {
			return whole
		}
	}
	return value
}

// show writes a value as JSON, in the form that the crate documents.
func show(value ref.Val) (json.RawMessage, error) {
	switch value := value.(type) {
	case types.Null:
		return json.RawMessage("null"), nil
	case types.Double:
		text := strconv.FormatFloat(float64(value), 'g', -1, 64)
		if math.IsNaN(float64(value)) || math.IsInf(float64(value), 0) {
			return nil, errors.New("the result has no form in JSON")
		}
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return json.RawMessage(text), nil
	case types.Timestamp:
		return json.Marshal(value.Time.Format(time.RFC3339Nano))
	case types.Duration:
		return json.Marshal(value.ConvertToType(types.StringType).Value())
	case *types.Type:
		return json.Marshal(value.TypeName())
	case *types.Optional:
		if !value.HasValue() {
			return json.RawMessage("null"), nil
		}
		return show(value.GetValue())
	case traits.Mapper:
		entries := map[string]json.RawMessage{}
		for it := value.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			name, ok := key.(types.String)
			if !ok {
				text, err := show(key)
				if err != nil {
					return nil, err
				}
				name = types.String(text)
			}
			entry, err := show(value.Get(key))
			if err != nil {
				return nil, err
			}
			entries[string(name)] = entry
		}
		return json.Marshal(entries)
	case traits.Lister:
		elements := []json.RawMessage{}
		for it := value.Iterator(); it.HasNext() == types.True; {
			element, err := show(it.Next())
			if err != nil {
				return nil, err
			}
			elements = append(elements, element)
		}
		return json.Marshal(elements)
	}
	return json.Marshal(value.Value())
}
