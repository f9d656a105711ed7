package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/steps"
)

// app is one invocation of the tool: its streams, its environment and its
// plug-ins. Commands are its methods.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(name string) (string, bool)
	steps          []steps.Type
	backends       []backends.Type
	// cwd is where the tool was started, absolute.
	cwd string
	// program is the name by which this process was started, and may be started
	// again as a watchdog; runs go unguarded without one.
	program string
	enter   enterKey

	// flaky counts the runs of this process that were.
	flaky atomic.Int32
	// runDir is the value of --run-dir.
	runDir string
}

// run executes one command line and returns its exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	return complain(a.stderr, root.ExecuteContext(ctx))
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "dcosflow",
		Short: "Pipelines as code for testing clusters",
		Long: `dcosflow runs workflows that test clusters: it boots nodes, installs software on
them, upgrades, breaks and checks it, and removes everything again.`,
		Example: `  dcosflow plan upgrade-test.hcl
  dcosflow run upgrade-test.hcl --var expect=3.5.16`,
		Version:           versionText(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              cobra.ArbitraryArgs,
		RunE:              help,
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.checkRunDir() },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(wrongFlag)
	root.SetHelpCommand(helpCommand())
	root.SetVersionTemplate("dcosflow {{.Version}}\n")
	root.PersistentFlags().StringVar(&a.runDir, "run-dir", defaultRunDir, "`DIR` that holds the directories of runs")
	addGroup(root, "Workflows:", a.runCommand(), a.resumeCommand(), a.planCommand(), a.listCommand(), a.validateCommand())
	addGroup(root, "Runs:", a.runsCommand(), a.showCommand(), a.logsCommand())
	addGroup(root, "Machines:", a.nodesCommand(), a.execCommand(), a.destroyCommand(), a.cleanCommand(), a.imageCommand())
	addGroup(root, "Reference:", a.stepsCommand(), a.schemaCommand(), a.versionCommand())
	root.AddCommand(a.watchdogCommand())
	return root
}

func addGroup(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, c := range commands {
		c.GroupID = title
		root.AddCommand(c)
	}
}

// checkRunDir refuses a --run-dir that cannot hold directories of runs.
func (a *app) checkRunDir() error {
	for dir := a.runs(); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			return wrongInput("Give a directory; one that does not exist is made.", "--run-dir %s: %s is a file", a.runDir, dir)
		case err == nil || dir == filepath.Dir(dir):
			return nil
		}
	}
}

// helpCommand is cobra's, but a command that it does not know is wrong input.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				if about == nil {
					about = cmd.Root()
				}
				return help(about, append(rest, args...)) // at least one is left
			}
			return about.Help()
		},
	}
}

// help is what a command does that only has subcommands: without arguments it
// shows them, with an unknown one it says so.
func help(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	hint := fmt.Sprintf("Run '%s --help' for the list of commands.", cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("Did you mean %q?", cmd.CommandPath()+" "+near[0])
	}
	return wrongInput(hint, "unknown command %q", args[0])
}

// wrongFlag makes what pflag refuses a message for people.
func wrongFlag(cmd *cobra.Command, err error) error {
	hint := fmt.Sprintf("Run '%s --help' for the flags that there are.", cmd.CommandPath())
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
		return wrongInput(hint, "%w.%s", err, dsl.Suggest("--"+unknown.GetSpecifiedName(), known))
	}
	var value *pflag.InvalidValueError
	if errors.As(err, &value) {
		return wrongInput(hint, "--%s wants a value of the kind %s, not %q", value.GetFlag().Name, value.GetFlag().Value.Type(), value.GetValue())
	}
	return wrongInput(hint, "%w", err)
}

// arguments wants between low and high arguments and names them when there are
// others.
func arguments(low, high int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if low <= len(args) && len(args) <= high {
			return nil
		}
		problem := "too many arguments"
		if len(args) < low {
			problem = "an argument is missing"
		}
		return wrongInput("Usage: "+cmd.UseLine(), "%s: %s", cmd.CommandPath(), problem)
	}
}

// action makes a function the body of a command. A signal cancels its context,
// a second one ends the process; what it returns gets an exit code.
func action(f func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), stopSignals...)
		defer stop()
		context.AfterFunc(ctx, stop)
		err := f(ctx, args)
		if err != nil && ctx.Err() != nil {
			return &failure{code: exitInterrupted, err: context.Cause(ctx)}
		}
		return asFailure(err)
	}
}

// terminal says whether a stream is one.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
