  (import "heimdall:plugin/llm-types@0.1.0" "[resource-drop]llm-response" (func $drop (param i32)))
  (import "heimdall:plugin/llm-types@0.1.0" "[method]llm-response.model" (func $model (param i32 i32)))
  (import "heimdall:plugin/llm-types@0.1.0" "[method]llm-response.set-text"
    (func $set-text (param i32 i32 i32 i32 i32)))

  ;; What came back lies in memory: a tag, and behind it the handle of a response.
  (func $nothing (param $upstream i32) (result i32)
    (call $begin)
    (call $drop (i32.load offset=4 (local.get $upstream)))
    (i32.const 64))
  (func $read (param $upstream i32) (result i32)
    (call $model (i32.load offset=4 (local.get $upstream)) (i32.const 32))
    (call $expect (i32.const 11))
    (call $nothing (local.get $upstream)))
  (func $edit (param $upstream i32) (result i32)
    (call $set-text (i32.load offset=4 (local.get $upstream)) (i32.const 0) (i32.const 128) (i32.const 7) (i32.const 32))
    (call $expect-ok)
    (call $nothing (local.get $upstream)))
  (data (i32.const 128) "Edited.")
