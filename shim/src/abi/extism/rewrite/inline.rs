//! Calls of functions that move bytes, replaced by what these do.

use std::vec;

use wasm_encoder::Function;
use wasm_encoder::reencode::Reencode as _;
use wasmparser::{FunctionBody, Operator};

use super::movers::{Mover, Operands};
use super::{Renumber, Result};

/// As many calls of a module are replaced, the others stay calls: each becomes some 40 bytes of code. Kits have a few dozen.
const REPLACED: u32 = 10_000;

/// What is known of calls in the bodies to come.
#[derive(Debug)]
pub(super) struct Calls {
    /// How many parameters the function of each body has; none: it can't be told.
    parameters: vec::IntoIter<Option<u32>>,
    /// How many may still be replaced.
    left: u32,
}

impl Calls {
    /// By how many parameters the functions of a module have.
    pub(super) fn of(parameters: Vec<Option<u32>>) -> Calls {
        Calls {
            parameters: parameters.into_iter(),
            left: REPLACED,
        }
    }

    /// Whether one more is replaced.
    fn take(&mut self) -> bool {
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or_default();
        left.is_some()
    }
}

/// The next body of the module.
pub(super) fn rewritten(module: &mut Renumber, body: &FunctionBody<'_>) -> Result<Function> {
    let mut count = module.calls.parameters.next().flatten();
    let mut locals = Vec::new();
    for group in body.get_locals_reader()? {
        let (number, ty) = group?;
        count = count.and_then(|count| count.checked_add(number));
        locals.push((number, module.val_type(ty)?));
    }
    let operands = count.filter(|_| module.moved > 0).and_then(Operands::behind);
    if operands.is_some() {
        locals.extend(Operands::TYPES.map(|ty| (1, ty)));
    }
    let kernel = module.kernel();
    let mut function = Function::new(locals);
    let mut reader = body.get_operators_reader()?;
    while !reader.eof() {
        let operator = reader.read()?;
        match (module.called(&operator), operands) {
            (Some(mover), Some(operands)) if module.calls.take() => mover.inline(kernel, operands, &mut function),
            _ => {
                function.instruction(&module.instruction(operator)?);
            }
        }
    }
    Ok(function)
}

impl Renumber {
    /// What an instruction calls, if that moves bytes.
    fn called(&self, operator: &Operator<'_>) -> Option<Mover> {
        let Operator::Call { function_index } = operator else {
            return None;
        };
        let (_, mover) = self.imported.get(usize::try_from(*function_index).ok()?)?;
        *mover
    }
}
