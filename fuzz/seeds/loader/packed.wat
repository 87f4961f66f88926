(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
 (memory (export "memory") 1) (func (export "malloc") (param i32) (result i32) i32.const 8)
 (func (export "free") (param i32)) (func (export "init") (param i32 i32) (result i32) i32.const 0)
 (func (export "pre_hook") (param i32 i32) (result i64) i64.const 0) (func (export "plugin_reset")))