//! What a model's name asks of the echo; the module above has the list.

use std::time::Duration;

use http::StatusCode;

/// What an answer's text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Says {
    #[default]
    Heard,
    Request,
    Headers,
}

#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Behaviour {
    pub(super) says: Says,
    pub(super) error: Option<StatusCode>,
    pub(super) delay: Duration,
    pub(super) chunk_delay: Duration,
    pub(super) split: Option<usize>,
    pub(super) break_after: Option<usize>,
}

impl Behaviour {
    pub(super) fn of(model: &str) -> Behaviour {
        let wishes = model.strip_prefix("echo-").and_then(Behaviour::parse);
        wishes.unwrap_or_default()
    }

    fn parse(wishes: &str) -> Option<Behaviour> {
        let mut behaviour = Behaviour::default();
        let mut words = wishes.split('-');
        while let Some(word) = words.next() {
            match word {
                "request" => behaviour.says = Says::Request,
                "headers" => behaviour.says = Says::Headers,
                "error" => {
                    let status = words
                        .next()?
                        .parse()
                        .ok()
                        .filter(|status| (400..=599).contains(status))?;
                    behaviour.error = Some(StatusCode::from_u16(status).ok()?);
                }
                "delay" => behaviour.delay = milliseconds(words.next()?)?,
                "chunk" => {
                    let delay = words
                        .next()
                        .filter(|word| *word == "delay")
                        .and_then(|_| words.next())?;
                    behaviour.chunk_delay = milliseconds(delay)?;
                }
                "split" => behaviour.split = Some(words.next()?.parse().ok()?),
                "break" => behaviour.break_after = Some(words.next()?.parse().ok()?),
                _ => return None,
            }
        }
        Some(behaviour)
    }
}

fn milliseconds(text: &str) -> Option<Duration> {
    text.parse::<u32>().ok().map(|ms| Duration::from_millis(ms.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ask_for_behaviour() {
        let usual = Behaviour::default;
        let cases = [
            ("echo", usual()),
            ("gpt-5", usual()),
            ("echo-unheard-of", usual()),
            ("echo-error-200", usual()),
            (
                "echo-error-429",
                Behaviour {
                    error: Some(StatusCode::TOO_MANY_REQUESTS),
                    ..usual()
                },
            ),
            (
                "echo-request",
                Behaviour {
                    says: Says::Request,
                    ..usual()
                },
            ),
            (
                "echo-headers",
                Behaviour {
                    says: Says::Headers,
                    ..usual()
                },
            ),
            (
                "echo-delay-250",
                Behaviour {
                    delay: Duration::from_millis(250),
                    ..usual()
                },
            ),
            (
                "echo-chunk-delay-50-break-3",
                Behaviour {
                    chunk_delay: Duration::from_millis(50),
                    break_after: Some(3),
                    ..usual()
                },
            ),
            (
                "echo-split-2",
                Behaviour {
                    split: Some(2),
                    ..usual()
                },
            ),
        ];
        for (model, expected) in cases {
            assert_eq!(Behaviour::of(model), expected, "{model}");
        }
    }
}
