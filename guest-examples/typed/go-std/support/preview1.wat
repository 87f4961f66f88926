;; What Go's runtime asks of WASI, answered within the component. The collector reads the clock, and it may run while the host
;; hands over an argument, in cabi_realloc: a call that leaves the component there is a trap.
(module
  (import "env" "memory" (memory 0))
  (global $now (mut i64) (i64.const 1000000000))
  (global $random (mut i64) (i64.const 88172645463325252))

  ;; Goes on by a microsecond each time it is read.
  (func (export "clock_time_get") (param $clock i32) (param $precision i64) (param $out i32) (result i32)
    (global.set $now (i64.add (global.get $now) (i64.const 1000)))
    (i64.store (local.get $out) (global.get $now))
    (i32.const 0))

  ;; The same numbers in each instance: they seed maps and the scheduler, and are no secrets.
  (func (export "random_get") (param $out i32) (param $size i32) (result i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $out) (local.get $size)))
    (loop $next
      (if (i32.lt_u (local.get $out) (local.get $end))
        (then
          (global.set $random (i64.xor (global.get $random) (i64.shl (global.get $random) (i64.const 13))))
          (global.set $random (i64.xor (global.get $random) (i64.shr_u (global.get $random) (i64.const 7))))
          (global.set $random (i64.xor (global.get $random) (i64.shl (global.get $random) (i64.const 17))))
          (i32.store8 (local.get $out) (i32.wrap_i64 (global.get $random)))
          (local.set $out (i32.add (local.get $out) (i32.const 1)))
          (br $next))))
    (i32.const 0))

  ;; Nowhere: all of it counts as written.
  (func (export "fd_write") (param $fd i32) (param $pieces i32) (param $count i32) (param $out i32) (result i32)
    (local $written i32)
    (loop $next
      (if (local.get $count)
        (then
          (local.set $written (i32.add (local.get $written) (i32.load offset=4 (local.get $pieces))))
          (local.set $pieces (i32.add (local.get $pieces) (i32.const 8)))
          (local.set $count (i32.sub (local.get $count) (i32.const 1)))
          (br $next))))
    (i32.store (local.get $out) (local.get $written))
    (i32.const 0))

  ;; No arguments, and no environment.
  (func $none (param $count i32) (param $size i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $size) (i32.const 0))
    (i32.const 0))
  (export "args_sizes_get" (func $none))
  (export "environ_sizes_get" (func $none))
  (func $nothing (param i32 i32) (result i32) (i32.const 0))
  (export "args_get" (func $nothing))
  (export "environ_get" (func $nothing))

  ;; Nobody else runs.
  (func (export "sched_yield") (result i32) (i32.const 0))
  (func (export "proc_exit") (param i32) unreachable)

  ;; No files: EBADF. No waiting: ENOSYS.
  (func (export "fd_close") (param i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_flags") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "poll_oneoff") (param i32 i32 i32 i32) (result i32) (i32.const 52)))
