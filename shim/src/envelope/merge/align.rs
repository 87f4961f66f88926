//! Merging lists: which element of the answer is which element that was sent.

use std::borrow::Cow;

use heimdall_host::json::{Kind, Value};

use super::unchanged::Budget;
use super::{Edits, OnNull, Shape};

/// Above this many pairs no common subsequence is looked for.
const PAIRS: usize = 4096;

/// What becomes of the elements, in the order of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// This element of the list that was sent stays as it is.
    Keep(usize),
    /// This element that was sent, with what this element of the answer changes in it.
    Merge(usize, usize),
    /// This element of the answer is new.
    Insert(usize),
}

pub(super) fn merge(edits: &mut Edits, old: Value<'_>, new: Value<'_>, shape: &'static Shape) {
    let olds: Vec<Value<'_>> = old.elements().collect();
    let news: Vec<Value<'_>> = new.elements().collect();
    let steps = align(edits, &olds, &news, shape.elements());
    let kept = steps.iter().filter(|step| !matches!(step, Step::Insert(_))).count();
    if kept == olds.len() && kept == steps.len() {
        for step in steps {
            if let Step::Merge(i, j) = step
                && let (Some(old), Some(new)) = (olds.get(i), news.get(j))
            {
                edits.merge(*old, *new, shape.elements());
            }
        }
        return;
    }
    let text = rebuilt(edits, old, &olds, &news, &steps, shape.elements());
    edits.replace(old.range(), text);
}

fn align(edits: &mut Edits, olds: &[Value<'_>], news: &[Value<'_>], shape: &'static Shape) -> Vec<Step> {
    let shorter = olds.len().min(news.len());
    let mut unchanged = |i: usize, j: usize| match (olds.get(i), news.get(j)) {
        (Some(old), Some(new)) => edits.budget.unchanged(*old, *new, shape).unwrap_or(false),
        _ => false,
    };
    let start = (0..shorter).take_while(|&i| unchanged(i, i)).count();
    let behind = (0..shorter - start)
        .take_while(|&i| unchanged(olds.len() - 1 - i, news.len() - 1 - i))
        .count();
    let (old_end, new_end) = (olds.len() - behind, news.len() - behind);
    let mut steps: Vec<Step> = (0..start).map(Step::Keep).collect();
    let anchors = common(start..old_end, start..new_end, &mut unchanged);
    let (mut i, mut j) = (start, start);
    for (anchor_old, anchor_new) in anchors.into_iter().chain([(old_end, new_end)]) {
        pair(&mut edits.budget, &mut steps, olds, news, i..anchor_old, j..anchor_new);
        if anchor_old < old_end {
            steps.push(Step::Keep(anchor_old));
        }
        (i, j) = (anchor_old + 1, anchor_new + 1);
    }
    steps.extend((old_end..olds.len()).map(Step::Keep));
    steps
}

type Part = std::ops::Range<usize>;

/// A longest common subsequence of unchanged elements.
fn common(olds: Part, news: Part, unchanged: &mut impl FnMut(usize, usize) -> bool) -> Vec<(usize, usize)> {
    let width = news.len() + 1;
    if olds.is_empty() || news.is_empty() || olds.len().saturating_mul(news.len()) > PAIRS {
        return Vec::new();
    }
    let mut equal = vec![false; (olds.len() + 1) * width];
    let mut longest = vec![0_usize; (olds.len() + 1) * width];
    let at = |list: &[usize], place: usize| list.get(place).copied().unwrap_or_default();
    for i in (0..olds.len()).rev() {
        for j in (0..news.len()).rev() {
            let place = i * width + j;
            let same = unchanged(olds.start + i, news.start + j);
            let length = if same {
                at(&longest, place + width + 1) + 1
            } else {
                at(&longest, place + width).max(at(&longest, place + 1))
            };
            if let (Some(equal), Some(slot)) = (equal.get_mut(place), longest.get_mut(place)) {
                (*equal, *slot) = (same, length);
            }
        }
    }
    let mut anchors = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < olds.len() && j < news.len() {
        let place = i * width + j;
        if equal.get(place).copied().unwrap_or_default() {
            anchors.push((olds.start + i, news.start + j));
            (i, j) = (i + 1, j + 1);
        } else if at(&longest, place + width) >= at(&longest, place + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    anchors
}

/// Pairs what lies between unchanged elements: by place where the numbers agree, else from the end, like with like.
fn pair(budget: &mut Budget, steps: &mut Vec<Step>, olds: &[Value<'_>], news: &[Value<'_>], old: Part, new: Part) {
    if old.len() == new.len() {
        steps.extend(old.zip(new).map(|(i, j)| Step::Merge(i, j)));
        return;
    }
    let (mut i, mut j) = (old.end, new.end);
    let mut reversed = Vec::new();
    while j > new.start {
        let (old_left, new_left) = (i - old.start, j - new.start);
        let alike = old_left > 0
            && match (olds.get(i - 1), news.get(j - 1)) {
                (Some(old), Some(new)) => budget.kin(*old, *new).unwrap_or(true),
                _ => false,
            };
        if old_left == 0 || (!alike && new_left > old_left) {
            reversed.push(Step::Insert(j - 1));
            j -= 1;
        } else if !alike && new_left < old_left {
            i -= 1;
        } else {
            reversed.push(Step::Merge(i - 1, j - 1));
            (i, j) = (i - 1, j - 1);
        }
    }
    steps.extend(reversed.into_iter().rev());
}

/// The text of a list that has other elements than before. What stands between two neighbours stays between them.
fn rebuilt(
    edits: &mut Edits,
    list: Value<'_>,
    olds: &[Value<'_>],
    news: &[Value<'_>],
    steps: &[Step],
    shape: &'static Shape,
) -> String {
    let raw = list.raw();
    let base = list.range().start;
    let part = |from: usize, to: usize| raw.get(from.saturating_sub(base)..to.saturating_sub(base));
    let first = olds.first().map_or(base + 1, |first| first.range().start);
    let mut out = part(base, first).unwrap_or("[").to_owned();
    let mut previous: Option<usize> = None;
    for (place, step) in steps.iter().enumerate() {
        let this = match step {
            Step::Keep(i) | Step::Merge(i, _) => Some(*i),
            Step::Insert(_) => None,
        };
        if place > 0 {
            let neighbours = previous.zip(this).filter(|(a, b)| a + 1 == *b);
            let between = neighbours.and_then(|(a, b)| part(olds.get(a)?.range().end, olds.get(b)?.range().start));
            out.push_str(between.unwrap_or(","));
        }
        match step {
            Step::Keep(i) => out.push_str(olds.get(*i).map_or("null", |old| old.raw())),
            Step::Merge(i, j) => {
                if let (Some(old), Some(new)) = (olds.get(*i), news.get(*j)) {
                    out.push_str(&edits.merged_text(*old, *new, shape));
                }
            }
            Step::Insert(j) => out.push_str(
                &news
                    .get(*j)
                    .map_or(Cow::Borrowed("null"), |new| without_nulls(*new, shape)),
            ),
        }
        previous = this;
    }
    let tail = olds.last().map_or(list.range().end - 1, |last| last.range().end);
    out.push_str(part(tail, list.range().end).unwrap_or("]"));
    out
}

/// A new element without the nulls that a guest prints for what its struct has and this element lacks. Where nothing is
/// known of the elements, a null may mean something and stays.
fn without_nulls<'a>(element: Value<'a>, shape: &'static Shape) -> Cow<'a, str> {
    let surplus = |name: &str, value: Value<'_>| value.is_null() && shape.member(name).1 != OnNull::Null;
    let known = !shape.members.is_empty() && element.kind() == Kind::Object;
    if !known || !element.members().any(|(name, value)| surplus(&name, value)) {
        return Cow::Borrowed(element.raw());
    }
    let members = element.members().zip(element.raw_members());
    let kept = members.filter(|((name, value), _)| !surplus(name, *value));
    let texts: Vec<String> = kept
        .map(|((_, value), (name, _))| format!("{name}:{}", value.raw()))
        .collect();
    Cow::Owned(format!("{{{}}}", texts.join(",")))
}
