;; A typed plugin that does nothing, at the least cost that there is: what a call of it takes is the host's own part.
(module
  (import "heimdall:plugin/llm-types@0.1.0" "[resource-drop]llm-request" (func $drop (param i32)))
  (memory (export "memory") 1)
  (global $heap (mut i32) (i32.const 4096))
  ;; The configuration is all that it is ever given.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $heap)
    (global.set $heap (i32.add (global.get $heap) (local.get 3))))
  (func (export "heimdall:plugin/lifecycle@0.1.0#describe") (result i32) (i32.const 1024))
  (func (export "heimdall:plugin/lifecycle@0.1.0#init") (param i32 i32) (result i32) (i32.const 64))
  (func (export "heimdall:plugin/lifecycle@0.1.0#cleanup"))
  (func (export "heimdall:plugin/pre-llm-hook@0.1.0#before-call") (param $request i32) (result i32)
    (call $drop (local.get $request))
    (i32.const 64))
  ;; At 64: zeros, which are `ok(proceed)`. At 1024: the description, three texts and twice nothing.
  (data (i32.const 1024) "\40\04\00\00\0e\00\00\00\4e\04\00\00\05\00\00\00\53\04\00\00\0d\00\00\00")
  (data (i32.const 1088) "heimdall-floor" "0.1.0" "Does nothing."))
