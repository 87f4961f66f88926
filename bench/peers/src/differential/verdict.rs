//! What a case's answers say.

use heimdall_differential::outcome::{Answer, Outcome};
use heimdall_differential::task::{Call, Gives};

/// A case that both sides, or ours alone, carried out.
#[derive(Debug)]
pub struct Verdict {
    /// As the page has it.
    pub feature: String,
    /// As the page has it.
    pub case: String,
    /// What the original says; none: it is not here.
    pub theirs: Option<Vec<Answer>>,
    /// What ours says.
    pub ours: Vec<Answer>,
    /// Why ours does something else.
    pub difference: Option<String>,
    /// What is wrong.
    pub wrong: Vec<String>,
    /// Whether ours does the same.
    pub is_same: bool,
}

/// What is wrong with a case's answers, and whether they are the same.
pub fn judge(calls: &[Call], theirs: Option<&[Answer]>, ours: &[Answer], is_explained: bool) -> (Vec<String>, bool) {
    let mut wrong = Vec::new();
    let Some(theirs) = theirs else {
        // The file then says what the original would do.
        let unlike: Vec<String> = calls
            .iter()
            .zip(ours)
            .filter_map(|(call, answer)| unlike(call, answer))
            .collect();
        let is_same = unlike.is_empty();
        return (if is_explained { Vec::new() } else { unlike }, is_same);
    };
    wrong.extend(calls.iter().zip(theirs).filter_map(|(call, answer)| {
        let what = unlike(call, answer)?;
        Some(format!("of the original another thing is said: {what}"))
    }));
    let mut is_same = true;
    for ((call, theirs), ours) in calls.iter().zip(theirs).zip(ours) {
        if theirs.is_matched_by(ours) {
            continue;
        }
        is_same = false;
        if !is_explained {
            wrong.push(format!(
                "`{}`: the original: {}; ours: {}",
                call.function,
                in_full(theirs),
                in_full(ours)
            ));
        }
    }
    if is_same && is_explained {
        wrong.push("a difference is explained that is none".to_owned());
    }
    (wrong, is_same)
}

/// How an answer is not what the file says.
fn unlike(call: &Call, answer: &Answer) -> Option<String> {
    let is_like = match (&call.gives, &answer.outcome) {
        (Gives::AnyOutput, Outcome::Output { .. }) => true,
        (Gives::Output(text), outcome @ Outcome::Output { .. }) => {
            outcome.bytes().is_some_and(|bytes| bytes == text.as_bytes())
        }
        (Gives::Fails(class), Outcome::Failure { failure, .. }) => class == failure,
        _ => false,
    };
    let told = || format!("`{}` is to give {:?}: {}", call.function, call.gives, in_full(answer));
    (!is_like).then(told)
}

fn in_full(answer: &Answer) -> String {
    let outcome = match &answer.outcome {
        Outcome::Failure { failure, message, .. } => format!("{}: {message}", failure.name()),
        output => {
            let bytes = output.bytes().unwrap_or_default();
            let text: String = String::from_utf8_lossy(&bytes).chars().take(300).collect();
            format!("{} bytes, {text:?}", bytes.len())
        }
    };
    match answer.lines.is_empty() {
        true => outcome,
        false => format!("{outcome}, and logs {:?}", answer.lines),
    }
}

/// In a word.
pub fn in_short(answer: &Answer) -> &'static str {
    match &answer.outcome {
        Outcome::Output { .. } => "output",
        Outcome::Failure { failure, .. } => failure.name(),
    }
}

#[cfg(test)]
mod tests {
    use heimdall_differential::outcome::Class;

    use super::*;

    fn call(gives: &str) -> Call {
        serde_json::from_str(&format!(r#"{{"function":"f","gives":{gives}}}"#)).unwrap()
    }

    #[test]
    fn a_difference_has_to_be_explained_and_an_explanation_to_have_one() {
        let calls = [call(r#""any-output""#)];
        let (one, two) = ([Outcome::output(b"1").into()], [Outcome::output(b"2").into()]);
        for (ours, is_explained, wrong) in [(&one, false, 0), (&two, false, 1), (&two, true, 0), (&one, true, 1)] {
            let (told, is_same) = judge(&calls, Some(&one), ours, is_explained);
            assert_eq!(told.len(), wrong, "{told:?}");
            assert_eq!(is_same, ours == &one);
        }
    }

    #[test]
    fn an_original_that_does_another_thing_is_told() {
        let answer = [Outcome::failed(Class::Load, "", "no").into()];
        for (gives, wrong) in [
            (r#"{"fails":"load"}"#, 0),
            (r#"{"fails":"trap"}"#, 1),
            (r#"{"output":"a"}"#, 1),
        ] {
            let (told, _) = judge(&[call(gives)], Some(&answer), &answer, false);
            assert_eq!(told.len(), wrong, "{told:?}");
        }
    }

    #[test]
    fn without_the_original_the_file_says_what_is_wanted() {
        let calls = [call(r#"{"output":"a"}"#)];
        assert!(judge(&calls, None, &[Outcome::output(b"a").into()], false).1);
        assert_eq!(judge(&calls, None, &[Outcome::output(b"b").into()], false).0.len(), 1);
    }
}
