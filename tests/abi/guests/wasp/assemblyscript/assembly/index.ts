// One function for each thing that a Wasp plugin asks of its host.

// @ts-ignore: the compiler knows decorators of functions
@external('env', 'raise_error')
declare function raiseError(text: usize): void;

// @ts-ignore: the compiler knows decorators of functions
@external('env', 'add')
declare function hostAdd(a: i32, b: i32): i32;

// @ts-ignore: the compiler knows decorators of functions
@external('plugin', 'upper')
declare function hostUpper(text: usize): usize;

/** Memory of the runtime's, pinned: the collector leaves it alone until it is freed. */
export function allocate(size: i32): usize {
  return __pin(__new(<usize>size, idof<ArrayBuffer>()));
}

export function deallocate(address: usize, _size: i32): void {
  __unpin(address);
}

/** The size of the block: the NUL is counted in. */
export function get_string_size(address: usize): i32 {
  return changetype<ArrayBuffer>(address).byteLength;
}

/** The collector runs now, as a call begins: of what functions have in use there is nothing yet. */
function begin(): void {
  __collect();
}

function read(address: usize): string {
  return String.UTF8.decodeUnsafe(address, <usize>get_string_size(address), true);
}

function give(text: string): usize {
  return __pin(changetype<usize>(String.UTF8.encode(text, true)));
}

export function greet(name: usize): usize {
  begin();
  return give(`Hello, ${read(name)}!`);
}

export function echo_bytes(bytes: usize): usize {
  begin();
  const size = 4 + load<u32>(bytes);
  const echoed = allocate(size);
  memory.copy(echoed, bytes, size);
  return echoed;
}

export function add(a: i32, b: i32): i32 {
  return a + b;
}

export function fail(message: usize): usize {
  begin();
  raiseError(give(read(message)));
  return give('of no use');
}

/** In upper case, and behind it how long it is with a NUL: both said by the host. */
export function callback(message: usize): usize {
  begin();
  const text = read(message);
  const upper = hostUpper(give(text));
  const length = hostAdd(String.UTF8.byteLength(text), 1);
  const result = give(`${read(upper)} ${length}`);
  __unpin(upper);
  return result;
}

let counted: i32 = 0;

/** How often it was called. */
export function count(): i32 {
  return ++counted;
}

/** The runtime says where to `env.abort`. */
export function panics(): void {
  throw new Error('panicked');
}
