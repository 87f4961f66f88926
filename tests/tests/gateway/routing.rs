//! Which upstream a model leads to, and what of the configuration's routing is refused.

use heimdall_tests::process::Gateway;

use crate::support::*;

#[tokio::test]
async fn a_model_leads_where_alias_name_rule_and_default_say_in_this_order() {
    let gateway = Gateway::start(
        r#"
        default_upstream = "c"
        [aliases]
        fast = "a/echo-request"
        "b/x" = "c/echo-request"
        [[routes]]
        models = ["gpt-?", "meta/*"]
        upstream = "b"
        [[routes]]
        models = ["claude-*"]
        upstream = "a"
        model = "echo-request"
        [upstreams.a]
        kind = "echo"
        [upstreams.b]
        kind = "echo"
        [upstreams.c]
        kind = "echo"
        "#,
    );
    // (asked for, the upstream that answers, the model that it is asked for)
    let cases = [
        ("fast", "a", "echo-request"),
        ("b/x", "c", "echo-request"),
        ("b/y", "b", "y"),
        ("gpt-4", "b", "gpt-4"),
        ("meta/llama/3", "b", "meta/llama/3"),
        ("gpt-44", "c", "gpt-44"),
        ("claude-1", "a", "echo-request"),
    ];
    for (model, upstream, asked) in cases {
        let answer = post(&gateway, "/v1/chat/completions", chat(model, "hi")).await;
        assert_eq!(answer.status, 200, "{model}: {answer:?}");
        assert_eq!(answer.header("x-heimdall-upstream"), Some(upstream), "{model}");
        assert_eq!(answer.header("x-heimdall-attempts"), Some("1"), "{model}");
        assert_eq!(answer.json()["model"], asked, "{model}");
    }
}

const TWO: &str = "[upstreams.left]\nkind = \"echo\"\n[upstreams.right]\nkind = \"echo\"\n";

#[test]
fn what_leads_nowhere_is_refused_with_its_place_and_what_to_do() {
    let circle = "[upstreams.a]\nkind = \"echo\"\nfallbacks = [\"b/m\"]\n[upstreams.b]\nkind = \"echo\"\nfallbacks = [\"c\"]\n\
                  [upstreams.c]\nkind = \"echo\"\nfallbacks = [\"b\", \"a\"]\n";
    let itself = "[upstreams.a]\nkind = \"echo\"\nfallbacks = [\"a\"]\n";
    let two = |more: &str| format!("{more}{TWO}");
    let cases = [
        (
            circle.to_owned(),
            "`upstreams.a.fallbacks` go in a circle: a → b → c → a",
        ),
        (itself.to_owned(), "`upstreams.a.fallbacks` go in a circle: a → a"),
        (
            format!("{TWO}fallbacks = [\"lft\"]\n"),
            "`upstreams.right.fallbacks` names no upstream with \"lft\"; did you mean `left`?",
        ),
        (
            format!("{TWO}fallbacks = [\"left/\"]\n"),
            "`upstreams.right.fallbacks` names no model behind the `/` in \"left/\"",
        ),
        (format!("{TWO}retries = 21\n"), "`upstreams.right.retries` is above 20"),
        (
            two("[[routes]]\nmodels = [\"*\"]\nupstream = \"rigth\"\n"),
            "`routes[0].upstream` names no upstream with \"rigth\"; did you mean `right`?",
        ),
        (
            two("[[routes]]\nmodels = [\"*\"]\nupstream = \"left\"\nfallbacks = [\"zzz\"]\n"),
            "`routes[0].fallbacks` names no upstream with \"zzz\"; there are: left, right",
        ),
        (
            two("[[routes]]\nmodels = []\nupstream = \"left\"\n"),
            "`routes[0].models` is empty: no model would match",
        ),
        (
            two("[[routes]]\nmodels = [\"\"]\nupstream = \"left\"\n"),
            "`routes[0].models` holds an empty pattern",
        ),
        (
            two("[[routes]]\nmodels = [\"a[\"]\nupstream = \"left\"\n"),
            "`routes[0].models` has a pattern that can't be read",
        ),
        (
            two("[aliases]\nleft = \"right/m\"\n"),
            "`aliases.left` is the name of an upstream; give the alias another one",
        ),
        (
            two("[aliases]\na = \"b\"\nb = \"right/m\"\n"),
            "`aliases.a` stands for \"b\", which is an alias too",
        ),
        (
            two("[aliases]\na = \"lefft/m\"\n"),
            "`aliases.a` names no upstream with \"lefft\"; did you mean `left`?",
        ),
        (
            two("[[passthrough]]\npath = \"/files\"\nupstream = \"left\"\n"),
            "`passthrough[0].path` has to start with `/v1/`",
        ),
        (
            two("[[passthrough]]\npath = \"/v1/Embeddings\"\nupstream = \"left\"\n"),
            "`passthrough[0].path` is one that Heimdall answers itself",
        ),
        (
            two("[[passthrough]]\npath = \"/v1/files\"\n"),
            "`passthrough[0].upstream` is missing: there are several upstreams and no `default_upstream`",
        ),
        (
            two("[[passthrough]]\npath = \"/v1/files\"\nupstream = \"up\"\n"),
            "`passthrough[0].upstream` names no upstream with \"up\"",
        ),
    ];
    for (config, words) in cases {
        let (code, output) = Gateway::try_start(&config).err().unwrap();
        assert_eq!(code, 2, "{config}: {output}");
        assert!(output.contains(words), "{words:?} is not in {output}, for {config}");
        assert!(output.contains("heimdall.toml:"), "{output}");
    }
}

#[tokio::test]
async fn a_pattern_that_never_counts_is_warned_of() {
    let rule = |models: &str| format!("[[routes]]\nmodels = [{models}]\nupstream = \"left\"\n");
    let rules = rule("\"gpt-*\"") + &rule("\"gpt-4*\", \"o1\", \"left/*\", \"smart\"");
    let gateway = Gateway::start(&format!(
        "default_upstream = \"left\"\naliases = {{ smart = \"left/m\" }}\n{rules}{TWO}"
    ));
    for words in [
        "`routes[1].models` has the pattern \"gpt-4*\", which never counts: the pattern \"gpt-*\" of rule 1",
        "\"left/*\", which never counts: a model that starts with `left/` goes to the upstream",
        "\"smart\", which never counts: it is the name of an alias",
    ] {
        printed(&gateway, words).await;
    }
    assert!(!gateway.output().contains("\"o1\""), "{}", gateway.output());
}
