package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const chat = `{"model":"m","messages":[{"role":"user","content":"hi"}]}`

// Each contender does each case, and what comes out of it is right.
func TestEachContenderDoesEachCase(t *testing.T) {
	ctx, folder := context.Background(), t.TempDir()
	size := uint64(len(chat))
	if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%d.json", size)), []byte(chat), 0o600); err != nil {
		t.Fatal(err)
	}
	edited := `{"messages":[{"content":"Answer in one sentence.","role":"system"},{"content":"hi","role":"user"}],"model":"m"}`
	for _, who := range []string{"extism-go", "wazero"} {
		it, err := load(ctx, who, filepath.Join("..", "guests"))
		if err != nil {
			t.Fatal(who, err)
		}
		documents := map[uint64][]byte{0: nil}
		for name, right := range map[string]string{"echo": chat, "edit": edited, "instance": "", "call-fresh": chat} {
			answer, err := run(ctx, it, task{Case: name, Size: size}, documents, folder)
			if err != nil || *answer.Output != right {
				t.Errorf("%s, %s: %v, %v", who, name, answer.Output, err)
			}
			answer, err = run(ctx, it, task{Case: name, Size: size, Times: 3}, documents, folder)
			if err != nil || *answer.Nanoseconds <= 0 {
				t.Errorf("%s, %s, three times: %v", who, name, err)
			}
		}
	}
}

func TestWhatIsUnknownIsAnError(t *testing.T) {
	if _, err := load(context.Background(), "nobody", ""); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Error("a contender that there is none of:", err)
	}
	if _, err := once(context.Background(), nil, "nothing", nil); err == nil {
		t.Error("a case that there is none of is done")
	}
}
