  ;; What is given to the guest lies from 16384 on, until a hook begins anew there.
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 16384))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $heap)
    (global.set $heap
      (i32.and (i32.add (i32.add (global.get $heap) (local.get 3)) (i32.const 7)) (i32.const -8))))
  (func $begin (global.set $heap (i32.const 16384)))
  ;; What a getter gave is at 32: a tag, and where a text lies and how long it is.
  (func $expect (param $length i32)
    (if (i32.ne (i32.load (i32.const 40)) (local.get $length)) (then (unreachable))))
  (func $expect-ok (if (i32.load8_u (i32.const 32)) (then (unreachable))))

  (func (export "heimdall:plugin/lifecycle@0.1.0#describe") (result i32) (i32.const 1024))
  (func (export "heimdall:plugin/lifecycle@0.1.0#init") (param i32 i32) (result i32) (i32.const 64))
  (func (export "heimdall:plugin/lifecycle@0.1.0#cleanup"))
  ;; At 64: zeros, which are `ok` of the first case. At 1024: the description, three texts and twice nothing.
  (data (i32.const 1024) "\40\04\00\00\05\00\00\00\45\04\00\00\01\00\00\00\46\04\00\00\00\00\00\00")
  (data (i32.const 1088) "bench1")
