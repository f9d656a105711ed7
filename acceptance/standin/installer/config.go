package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	yaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// problem is one log line of the validation: "key: message".
type problem struct{ key, message string }

type configError struct{ problems []problem }

func (e *configError) Error() string {
	return fmt.Sprintf("%d problems in genconf/config.yaml", len(e.problems))
}

// config is genconf/config.yaml, validated.
type config struct {
	raw      []byte
	values   map[string]any
	ipDetect string
	knobs    map[string]any
}

func (in installer) config() (config, error) {
	var c config
	raw, err := os.ReadFile(filepath.Join(in.dir, "config.yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(in.stdout, "No config file found at genconf/config.yaml")
		return c, errors.New("config file missing")
	} else if err != nil {
		return c, fmt.Errorf("read genconf/config.yaml: %w", err)
	}
	c.raw = raw
	if c.values, err = decode(raw); err != nil {
		return c, fmt.Errorf("genconf/config.yaml is not YAML: %w", err)
	}
	c.knobs, _ = c.values["standin"].(map[string]any)
	delete(c.values, "standin")

	var problems []problem
	if c.ipDetect, err = in.detectScript(c.values); err != nil {
		problems = append(problems, problem{"ip_detect_contents", err.Error()})
	}
	problems = append(problems, in.validate(c.values)...)
	if len(problems) > 0 {
		slices.SortFunc(problems, func(a, b problem) int { return strings.Compare(a.key, b.key) })
		return c, &configError{problems}
	}
	return c, nil
}

func decode(raw []byte) (map[string]any, error) {
	typ, err := yaml.ImpliedType(raw)
	if err != nil {
		return nil, err
	}
	v, err := yaml.Unmarshal(raw, typ)
	if err != nil {
		return nil, err
	}
	if v == cty.NilVal || v.IsNull() || !v.Type().IsObjectType() {
		return map[string]any{}, nil
	}
	js, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		return nil, err
	}
	var out map[string]any
	return out, json.Unmarshal(js, &out)
}

func (in installer) detectScript(values map[string]any) (string, error) {
	if text, ok := values["ip_detect_contents"].(string); ok {
		return text, nil
	}
	name, ok := values["ip_detect_filename"].(string)
	if !ok {
		name = "genconf/ip-detect"
	}
	raw, err := os.ReadFile(filepath.Join(filepath.Dir(in.dir), name))
	if err != nil {
		return "", fmt.Errorf("ip-detect script %q must exist", name)
	}
	return string(raw), nil
}

func (in installer) validate(values map[string]any) []problem {
	var out []problem
	add := func(key, format string, args ...any) { out = append(out, problem{key, fmt.Sprintf(format, args...)}) }
	required := []string{"bootstrap_url", "cluster_name", "exhibitor_storage_backend", "master_discovery"}
	if values["master_discovery"] == "static" {
		required = append(required, "master_list")
	}
	for _, key := range required {
		if values[key] == nil || values[key] == "" {
			add(key, "Must set %s, no way to calculate value.", key)
		}
	}
	if url, _ := values["bootstrap_url"].(string); strings.HasSuffix(url, "/") {
		add("bootstrap_url", "Must not end in a '/'")
	}
	if masters := list(values["master_list"]); values["master_list"] != nil {
		if !slices.Contains([]int{1, 3, 5, 7, 9}, len(masters)) {
			add("num_masters", "Must have 1, 3, 5, 7, or 9 masters. Found %d masters.", len(masters))
		}
	}
	for _, key := range []string{"master_list", "agent_list", "public_agent_list", "resolvers"} {
		if d := duplicate(list(values[key])); d != "" {
			add(key, "List cannot contain duplicates: %s appears twice", d)
		}
	}
	for _, r := range list(values["resolvers"]) {
		if slices.Contains([]string{"198.51.100.1", "198.51.100.2", "198.51.100.3"}, r) {
			add("resolvers", "%s is an address of DC/OS itself", r)
		}
	}
	if values["exhibitor_storage_backend"] == "static" && values["master_discovery"] != nil && values["master_discovery"] != "static" {
		add("master_discovery", "When exhibitor_storage_backend is static, master_discovery must be static")
	}
	if in.build.Variant == "" {
		for _, key := range []string{"superuser_username", "superuser_password_hash", "license_key_contents", "security"} {
			if values[key] != nil {
				add(key, "Unknown key: only Enterprise DC/OS has it")
			}
		}
	}
	return out
}

// list reads a YAML list, or a string that holds one as JSON.
func list(v any) []string {
	if s, ok := v.(string); ok {
		var inner []any
		if json.Unmarshal([]byte(s), &inner) == nil {
			v = inner
		}
	}
	items, _ := v.([]any)
	var out []string
	for _, item := range items {
		out = append(out, fmt.Sprint(item))
	}
	return out
}

func duplicate(items []string) string {
	seen := map[string]bool{}
	for _, item := range items {
		if seen[item] {
			return item
		}
		seen[item] = true
	}
	return ""
}
