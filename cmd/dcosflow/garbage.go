package main

// gcLoading has the garbage collected seldom while files are read: parsing
// allocates much and frees little.
const gcLoading = 400

// smallWorkflow is the size of files in bytes below which garbage is a matter of
// megabytes, and a collection costs more than it brings.
const smallWorkflow = 512 << 10

// gcPercents are how much garbage there may be, in percent of what is in use,
// while a workflow is planned and then while it runs. The more steps it has, the
// more memory counts.
func gcPercents(l *loaded) (planning, running int) {
	size := 0
	if l != nil {
		for _, file := range l.files {
			size += len(file.Bytes)
		}
	}
	if size < smallWorkflow {
		return gcLoading, gcLoading / 2
	}
	return gcLoading / 2, 100
}
