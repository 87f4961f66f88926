//! The functions that move bytes, in WebAssembly.

use wasm_encoder::{BlockType, Function, Instruction, MemArg, ValType};

use crate::abi::extism::plain_name;

/// Where the kernel's parts are in the rewritten module.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kernel {
    pub(super) memory: u32,
    pub(super) input_offset: u32,
    pub(super) input_length: u32,
}

/// The locals that hold what one of them is called with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operands {
    pub(super) address: u32,
    pub(super) byte: u32,
    pub(super) word: u32,
}

impl Operands {
    /// Their types, in the order in which they stand behind the locals of each function, where a module calls movers.
    pub(super) const TYPES: [ValType; 3] = [ValType::I64, ValType::I32, ValType::I64];

    /// Behind so many locals; none: there is no room for more.
    pub(super) fn behind(locals: u32) -> Option<Operands> {
        let end = locals.checked_add(3).filter(|end| *end <= LOCALS)?;
        Some(Operands {
            address: end - 3,
            byte: end - 2,
            word: end - 1,
        })
    }
}

/// As many locals may a function have.
const LOCALS: u32 = 50_000;

/// A function that moves bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mover {
    LoadU8,
    LoadU64,
    StoreU8,
    StoreU64,
    InputLoadU8,
    InputLoadU64,
    InputLength,
    InputOffset,
}

impl Mover {
    const ALL: [Mover; 8] = [
        Mover::LoadU8,
        Mover::LoadU64,
        Mover::StoreU8,
        Mover::StoreU64,
        Mover::InputLoadU8,
        Mover::InputLoadU64,
        Mover::InputLength,
        Mover::InputOffset,
    ];

    fn name(self) -> &'static str {
        match self {
            Mover::LoadU8 => "load_u8",
            Mover::LoadU64 => "load_u64",
            Mover::StoreU8 => "store_u8",
            Mover::StoreU64 => "store_u64",
            Mover::InputLoadU8 => "input_load_u8",
            Mover::InputLoadU64 => "input_load_u64",
            Mover::InputLength => "input_length",
            Mover::InputOffset => "input_offset",
        }
    }

    pub(super) fn of(module: &str, name: &str) -> Option<Mover> {
        let plain = plain_name(module, name)?;
        Mover::ALL.into_iter().find(|mover| mover.name() == plain)
    }

    pub(super) fn signature(self) -> (&'static [ValType], &'static [ValType]) {
        use ValType::{I32, I64};
        match self {
            Mover::LoadU8 | Mover::InputLoadU8 => (&[I64], &[I32]),
            Mover::LoadU64 | Mover::InputLoadU64 => (&[I64], &[I64]),
            Mover::StoreU8 => (&[I64, I32], &[]),
            Mover::StoreU64 => (&[I64, I64], &[]),
            Mover::InputLength | Mover::InputOffset => (&[], &[I64]),
        }
    }

    /// Whether a module imports it with its right type.
    pub(super) fn fits(self, params: &[wasmparser::ValType], results: &[wasmparser::ValType]) -> bool {
        let same = |theirs: &[wasmparser::ValType], ours: &[ValType]| {
            theirs.len() == ours.len()
                && theirs.iter().zip(ours).all(|(theirs, ours)| {
                    matches!(
                        (theirs, ours),
                        (wasmparser::ValType::I32, ValType::I32) | (wasmparser::ValType::I64, ValType::I64)
                    )
                })
        };
        let (ours, gives) = self.signature();
        same(params, ours) && same(results, gives)
    }

    /// It as a function.
    pub(super) fn function(self, kernel: Kernel) -> Function {
        let parameters = Operands {
            address: 0,
            byte: 1,
            word: 1,
        };
        let mut function = Function::new([]);
        self.work(kernel, parameters, &mut function);
        function.instruction(&Instruction::End);
        function
    }

    /// It in the place of a call, whose operands go into these locals.
    pub(super) fn inline(self, kernel: Kernel, operands: Operands, body: &mut Function) {
        match self {
            Mover::StoreU8 => {
                body.instruction(&Instruction::LocalSet(operands.byte));
            }
            Mover::StoreU64 => {
                body.instruction(&Instruction::LocalSet(operands.word));
            }
            _ => {}
        }
        if !self.signature().0.is_empty() {
            body.instruction(&Instruction::LocalSet(operands.address));
        }
        self.work(kernel, operands, body);
    }

    /// The least cost that the rules of the kernel allow: a load outside of the kernel's memory gives 0, a store does nothing.
    fn work(self, kernel: Kernel, operands: Operands, body: &mut Function) {
        use Instruction as I;
        let access = |align| MemArg {
            offset: 0,
            align,
            memory_index: kernel.memory,
        };
        // Whether `size` bytes from the address in local 0 lie in the memory.
        let in_memory = |body: &mut Function, size: i64| {
            body.instruction(&I::LocalGet(operands.address));
            body.instruction(&I::MemorySize(kernel.memory));
            body.instruction(&I::I64ExtendI32U);
            body.instruction(&I::I64Const(16));
            body.instruction(&I::I64Shl);
            body.instruction(&I::I64Const(size));
            body.instruction(&I::I64Sub);
            body.instruction(&I::I64LeU);
        };
        // Whether they lie in the input, which may be shorter than that.
        let in_input = |body: &mut Function, size: i64| {
            body.instruction(&I::LocalGet(operands.address));
            body.instruction(&I::GlobalGet(kernel.input_length));
            body.instruction(&I::I64LeU);
            body.instruction(&I::GlobalGet(kernel.input_length));
            body.instruction(&I::LocalGet(operands.address));
            body.instruction(&I::I64Sub);
            body.instruction(&I::I64Const(size));
            body.instruction(&I::I64GeU);
            body.instruction(&I::I32And);
        };
        let address = |body: &mut Function, of_input: bool| {
            body.instruction(&I::LocalGet(operands.address));
            if of_input {
                body.instruction(&I::GlobalGet(kernel.input_offset));
                body.instruction(&I::I64Add);
            }
            body.instruction(&I::I32WrapI64);
        };
        match self {
            Mover::LoadU8 | Mover::InputLoadU8 => {
                let of_input = self == Mover::InputLoadU8;
                if of_input {
                    in_input(body, 1)
                } else {
                    in_memory(body, 1)
                }
                body.instruction(&I::If(BlockType::Result(ValType::I32)));
                address(body, of_input);
                body.instruction(&I::I32Load8U(access(0)));
                body.instruction(&I::Else);
                body.instruction(&I::I32Const(0));
                body.instruction(&I::End);
            }
            Mover::LoadU64 | Mover::InputLoadU64 => {
                let of_input = self == Mover::InputLoadU64;
                if of_input {
                    in_input(body, 8)
                } else {
                    in_memory(body, 8)
                }
                body.instruction(&I::If(BlockType::Result(ValType::I64)));
                address(body, of_input);
                body.instruction(&I::I64Load(access(0)));
                body.instruction(&I::Else);
                body.instruction(&I::I64Const(0));
                body.instruction(&I::End);
            }
            Mover::StoreU8 | Mover::StoreU64 => {
                let is_byte = self == Mover::StoreU8;
                in_memory(body, if is_byte { 1 } else { 8 });
                body.instruction(&I::If(BlockType::Empty));
                address(body, false);
                body.instruction(&I::LocalGet(if is_byte { operands.byte } else { operands.word }));
                body.instruction(&if is_byte {
                    I::I32Store8(access(0))
                } else {
                    I::I64Store(access(0))
                });
                body.instruction(&I::End);
            }
            Mover::InputLength => {
                body.instruction(&I::GlobalGet(kernel.input_length));
            }
            Mover::InputOffset => {
                body.instruction(&I::GlobalGet(kernel.input_offset));
            }
        }
    }
}
