package docker

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"github.com/dcosflow/dcosflow/backends"
)

// labelImage marks node images; its value is the distribution.
const labelImage = "dcosflow.image"

// Images are the node images of an engine. Its methods may be called
// concurrently, also by several processes.
type Images struct {
	api   *client.Client
	vigil *vigil
	// apt are this machine's settings, read when they are first needed.
	apt  aptSettings
	read sync.Once
}

// Image is a node image that exists.
type Image struct {
	Distribution string
	// Ref is "dcosflow/<distribution>:<hash of the recipe>".
	Ref     string
	Size    int64
	Created time.Time
	// Current says that this version of the tool would use the image.
	Current bool
}

// NewImages returns the images of an engine; an empty host means the one of
// the environment. It does not connect.
func NewImages(host string) (*Images, error) {
	api, err := connect(host)
	if err != nil {
		return nil, err
	}
	return &Images{api: api, vigil: newVigil(api)}, nil
}

// Build makes the image of a distribution unless it exists and returns its
// name. It calls progress with lines for a person, from one goroutine.
func (i *Images) Build(ctx context.Context, name string, progress func(line string)) (made string, err error) {
	ctx, over := i.vigil.attend(ctx)
	defer func() {
		over()
		err = cause(ctx, err)
	}()
	d, err := findDistribution(name)
	if err != nil {
		return "", err
	}
	apt := i.settings(ctx)
	archive, err := d.context(apt)
	if err != nil {
		return "", err
	}
	ref := d.ref(archive)
	if found, err := i.has(ctx, ref); err != nil || found {
		return ref, err
	}
	unlock, err := lockUser(ctx, "image-"+d.name, progress)
	if err != nil {
		return "", err
	}
	defer unlock()
	// Another process may have built it while we waited.
	if found, err := i.has(ctx, ref); err != nil || found {
		return ref, err
	}
	base, err := i.base(ctx, d, apt, progress)
	if err != nil {
		return "", err
	}
	progress(fmt.Sprintf("building %s from %s", ref, base))
	return ref, i.build(ctx, d, ref, base, archive, progress)
}

// settings reads the settings of apt once: they are part of every tag.
func (i *Images) settings(ctx context.Context) aptSettings {
	i.read.Do(func() { i.apt = hostApt(context.WithoutCancel(ctx)) })
	return i.apt
}

// ref is the image that Build makes.
func (i *Images) ref(ctx context.Context, name string) (string, error) {
	d, err := findDistribution(name)
	if err != nil {
		return "", err
	}
	archive, err := d.context(i.settings(ctx))
	return d.ref(archive), err
}

func (i *Images) build(ctx context.Context, d distribution, ref, base string, archive []byte, progress func(string)) error {
	args := map[string]*string{"BASE": &base, "PACKAGES": &d.packages}
	for _, name := range []string{"http_proxy", "https_proxy", "no_proxy"} {
		if v, ok := os.LookupEnv(name); ok {
			args[name] = &v
		}
	}
	response, err := i.api.ImageBuild(ctx, bytes.NewReader(archive), build.ImageBuildOptions{
		Version:     build.BuilderV1,
		Tags:        []string{ref},
		BuildArgs:   args,
		Labels:      map[string]string{labelImage: d.name},
		Remove:      true,
		ForceRemove: true,
	})
	if err != nil {
		return trouble("build "+ref, err)
	}
	defer response.Body.Close()
	if err := followStream(response.Body, progress); err != nil {
		return trouble("build "+ref, err)
	}
	return nil
}

// List returns the node images that exist, the newest first.
func (i *Images) List(ctx context.Context) (images []Image, err error) {
	ctx, over := i.vigil.attend(ctx)
	defer func() {
		over()
		err = cause(ctx, err)
	}()
	found, err := i.api.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("label", labelImage))})
	if err != nil {
		return nil, trouble("list images", err)
	}
	current := map[string]bool{}
	for _, name := range Distributions() {
		ref, err := i.ref(ctx, name)
		if err != nil {
			return nil, err
		}
		current[ref] = true
	}
	for _, f := range found {
		for _, ref := range f.RepoTags {
			images = append(images, Image{
				Distribution: f.Labels[labelImage], Ref: ref, Size: f.Size,
				Created: time.Unix(f.Created, 0), Current: current[ref],
			})
		}
	}
	return images, nil
}

// Remove deletes the images of a distribution, its base image too when we made
// it, and returns their names. Images that containers use stay, with an error.
func (i *Images) Remove(ctx context.Context, name string) (removed []string, err error) {
	ctx, over := i.vigil.attend(ctx)
	defer func() {
		over()
		err = cause(ctx, err)
	}()
	d, err := findDistribution(name)
	if err != nil {
		return nil, err
	}
	images, err := i.List(ctx)
	if err != nil {
		return nil, err
	}
	var refs []string
	for _, im := range images {
		if im.Distribution == name {
			refs = append(refs, im.Ref)
		}
	}
	for _, ref := range append(refs, d.base()) {
		_, err := i.api.ImageRemove(ctx, ref, image.RemoveOptions{PruneChildren: true})
		switch {
		case errdefs.IsNotFound(err):
		case errdefs.IsConflict(err):
			return removed, &backends.TroubleError{Op: "remove " + ref, Err: err, Hint: "remove the containers that use it first: `dcosflow clean`"}
		case err != nil:
			return removed, trouble("remove "+ref, err)
		default:
			removed = append(removed, ref)
		}
	}
	return removed, nil
}

func (i *Images) has(ctx context.Context, ref string) (bool, error) {
	_, err := i.api.ImageInspect(ctx, ref)
	if errdefs.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, trouble("look for the image "+ref, err)
	}
	return true, nil
}
