package plan

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// The documentation shows whole workflows; all of them can be planned.
func TestExamplesOfTheDocumentation(t *testing.T) {
	examples := regexp.MustCompile("(?s)```hcl\n(.*?)```")
	for _, page := range []string{"clusters.md", "steps.md"} {
		text, err := os.ReadFile(filepath.Join("..", "docs", "language", page))
		if err != nil {
			t.Fatal(err)
		}
		found := examples.FindAllSubmatch(text, -1)
		if len(found) == 0 {
			t.Errorf("%s has no examples", page)
		}
		for _, example := range found {
			mustBuild(t, string(example[1]))
		}
	}
}
