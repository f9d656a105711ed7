// Package dcosflow is a pipeline-as-code engine for testing clusters; the
// command is cmd/dcosflow. The root package holds no code, only the policy test
// that checks the house rules.
package dcosflow
