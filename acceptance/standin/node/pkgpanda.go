package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// pkgpanda keeps packages below root/packages and links the active ones.
func pkgpanda(args []string) error {
	if len(args) == 0 {
		return errors.New("usage: pkgpanda setup|fetch|activate|list|active|uninstall")
	}
	verb, words, flags := args[0], []string{}, map[string]string{}
	for _, a := range args[1:] {
		if name, value, ok := strings.Cut(a, "="); ok && strings.HasPrefix(a, "--") {
			flags[name] = value
		} else if !strings.HasPrefix(a, "--") {
			words = append(words, a)
		}
	}
	switch verb {
	case "setup":
		return setup()
	case "fetch":
		return fetchAll(flags["--repository-url"], words)
	case "activate":
		return activate(words)
	case "list":
		return printDir(filepath.Join(root, "packages"))
	case "active":
		return printDir(filepath.Join(root, "active"))
	case "uninstall":
		return uninstall()
	default:
		return fmt.Errorf("pkgpanda: unknown command %q", verb)
	}
}

func setup() error {
	time.Sleep(time.Duration(readKnobs().SetupSeconds * float64(time.Second)))
	url, err := readText(filepath.Join(setupFlags, "repository-url"))
	if err != nil {
		return err
	}
	list, err := readText(filepath.Join(setupFlags, "cluster-package-list"))
	if err != nil {
		return err
	}
	raw, err := curl(url + "/package_lists/" + list + ".package_list.json")
	if err != nil {
		return err
	}
	var ids []string
	if err := json.Unmarshal(raw, &ids); err != nil {
		return fmt.Errorf("package list %s: %w", list, err)
	}
	if err := fetchAll(url, ids); err != nil {
		return err
	}
	if err := activate(ids); err != nil {
		return err
	}
	err = os.Remove(filepath.Join(root, "bootstrap"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func fetchAll(url string, ids []string) error {
	for _, id := range ids {
		dir := filepath.Join(root, "packages", id)
		if _, err := os.Stat(dir); err == nil {
			continue
		}
		name, _, _ := strings.Cut(id, "--")
		file := filepath.Join(os.TempDir(), id+".tar.xz")
		if out, err := exec.Command("curl", "-fsS", "-o", file, url+"/packages/"+name+"/"+id+".tar.xz").CombinedOutput(); err != nil {
			return fmt.Errorf("fetch %s: %w: %s", id, err, out)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if out, err := exec.Command("/usr/bin/tar", "-axf", file, "-C", dir).CombinedOutput(); err != nil {
			return fmt.Errorf("unpack %s: %w: %s", id, err, out)
		}
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

func curl(url string) ([]byte, error) {
	out, err := exec.Command("curl", "-fsS", url).Output()
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", url, err)
	}
	return out, nil
}

// activate links the packages, writes dcos.target and starts it.
func activate(ids []string) error {
	r, err := role()
	if err != nil {
		return err
	}
	progress := filepath.Join(root, "install_progress")
	if err := os.WriteFile(progress, []byte(strings.Join(ids, "\n")), 0o644); err != nil {
		return err
	}
	for _, dir := range []string{"active", "etc"} {
		if err := os.RemoveAll(filepath.Join(root, dir)); err != nil {
			return err
		}
	}
	wants := filepath.Join(units, "dcos.target.wants")
	if err := os.RemoveAll(wants); err != nil {
		return err
	}
	build := map[string]string{}
	for _, id := range ids {
		name, _, _ := strings.Cut(id, "--")
		build[name] = id
		if err := link(filepath.Join("..", "packages", id), filepath.Join(root, "active", name)); err != nil {
			return err
		}
		for _, dir := range []string{"bin", "etc", "lib", "include"} {
			if err := linkAll(filepath.Join(root, "packages", id, dir), filepath.Join(root, dir)); err != nil {
				return err
			}
		}
		for _, dir := range []string{"dcos.target.wants", "dcos.target.wants_" + r} {
			for _, to := range []string{units, wants} {
				if err := linkAll(filepath.Join(root, "packages", id, dir), to); err != nil {
					return err
				}
			}
		}
	}
	if err := writeState(build); err != nil {
		return err
	}
	if err := startTarget(); err != nil {
		return err
	}
	return os.Remove(progress)
}

func writeState(build map[string]string) error {
	raw, err := json.MarshalIndent(build, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "active.buildinfo.full.json"), raw, 0o644); err != nil {
		return err
	}
	if wrong := readKnobs().WrongVersion; wrong != "" {
		path := filepath.Join(root, "etc/dcos-version.json")
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.WriteFile(path, fmt.Appendf(nil, `{"version": %q}`, wrong), 0o644)
	}
	return nil
}

func startTarget() error {
	target := "[Unit]\nDescription=DC/OS\n[Install]\nWantedBy=multi-user.target\n"
	if err := os.WriteFile(filepath.Join(units, "dcos.target"), []byte(target), 0o644); err != nil {
		return err
	}
	names, err := members()
	if err != nil {
		return err
	}
	commands := [][]string{{"daemon-reload"}, {"enable", "dcos.target"}, append([]string{"restart", "--no-block"}, names...), {"start", "--no-block", "dcos.target"}}
	for _, args := range commands {
		if out, err := exec.Command("systemctl", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("systemctl %s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

// members are the units of dcos.target.
func members() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(units, "dcos.target.wants"))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	slices.Sort(out)
	return out, nil
}

func linkAll(from, to string) error {
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	for _, e := range entries {
		if err := link(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func link(target, name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(target, name)
}

func printDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		fmt.Println(e.Name())
	}
	return nil
}

func uninstall() error {
	names, err := members()
	if err != nil {
		return err
	}
	if out, err := exec.Command("systemctl", append([]string{"stop", "dcos.target"}, names...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("stop dcos.target: %w: %s", err, out)
	}
	var errs []error
	paths := []string{filepath.Join(units, "dcos.target"), filepath.Join(units, "dcos.target.wants"), root}
	for _, name := range names {
		paths = append(paths, filepath.Join(units, name))
	}
	for _, path := range paths {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}
